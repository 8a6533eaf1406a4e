// A suggested target is taken over into the form; the preview follows as if it had been typed.
"use strict";
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-target]");
  const field = document.getElementById("id_target_percentage");
  if (!button || !field) return;
  field.value = button.dataset.target;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});
