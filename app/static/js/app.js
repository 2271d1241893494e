// One file for every page. The pages work without it; it makes them quick and keeps the reader's place.
import htmx from "htmx.org";
import { watchFocus } from "./focus.js";
import { watchAnswers } from "./answers.js";
import { watchChunks } from "./chunk_loader.js";
import { watchCopying } from "./copying.js";
import { watchDragging } from "./drag_loader.js";
import { watchDrafts } from "./drafts.js";
import { watchInstalledApp } from "./installed_app.js";
import { watchMenus } from "./menus.js";
import { watchLive } from "./live.js";
import { watchNavigation } from "./navigation.js";
import { watchMessages } from "./messages.js";
import { watchPanels } from "./panels.js";
import { watchPasskeys } from "./passkey_loader.js";
import { watchVitals } from "./vitals_loader.js";
import { watchTogether } from "./together_loader.js";

void htmx; // The import starts it; its settings stand in the page's own <meta name="htmx-config">.

watchAnswers();
watchNavigation();
watchFocus();
watchMessages();
watchCopying();
watchDragging();
watchDrafts();
watchMenus();
watchPasskeys();
watchPanels();
watchTogether();
watchLive();
watchInstalledApp();
watchVitals();
watchChunks();
