"""The parts of the audit trail, each verified by a file of its own. `audit_logger.verify` goes through all of them."""
