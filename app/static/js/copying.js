// A button with data-copy="id" puts what stands in that field into the clipboard.
import { say, toast } from "./messages.js";

export function watchCopying() {
  document.addEventListener("click", async ({ target }) => {
    const field = document.getElementById(target.closest?.("[data-copy]")?.dataset.copy);
    if (!field) return;
    field.focus();
    field.select(); // where the clipboard is closed to us, Ctrl+C is one step away
    try {
      await navigator.clipboard.writeText(field.value);
      toast(say("copied"), "good");
    } catch {
      toast(say("uncopied"), "attention");
    }
  });
}
