import { byId } from "./elements.ts";

const maxNameLength = 24;
/** How long a text may be, and from where on the page says how long it is. */
const maxTextLength = 1_000;
const countFromLength = 800;

const dialog = byId<HTMLDialogElement>("welcome");
const nameField = byId<HTMLInputElement>("name");
const textField = byId<HTMLTextAreaElement>("text");

/** The name that was chosen on an earlier visit. */
export function rememberedName(): string | undefined {
  const name = tidy(localStorage.getItem("name") ?? "");
  return problemOf(name) === "" ? name : undefined;
}

export function askName(): void {
  nameField.value = localStorage.getItem("name") ?? "";
  dialog.showModal();
  nameField.select();
}

export interface FormListeners {
  onName(name: string): void;
  /** The dialog was closed without a name. */
  onNoName(): void;
  onText(text: string): void;
  onTyping(): void;
}

/** The form to join, and the one to write in. */
export function listenToForms({ onName, onNoName, onText, onTyping }: FormListeners): void {
  byId("join").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = tidy(nameField.value);
    nameField.setCustomValidity(problemOf(name));
    if (!nameField.reportValidity() || !dialog.open) return;
    localStorage.setItem("name", name);
    onName(name);
    dialog.close();
    textField.focus();
  });
  nameField.addEventListener("input", () => nameField.setCustomValidity(""));
  dialog.addEventListener("close", onNoName);

  byId("say").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = textField.value.trim();
    if (text === "" || text.length > maxTextLength) return;
    textField.value = "";
    onText(text);
    showLength();
  });
  textField.addEventListener("keydown", (event) => {
    // While a word is composed (Japanese, Chinese, …), Enter chooses it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    byId<HTMLFormElement>("say").requestSubmit();
  });
  textField.addEventListener("input", () => {
    showLength();
    if (textField.value) onTyping();
  });
}

/** As the server sees it. */
function tidy(name: string): string {
  return name
    .replace(/\p{Cc}/gu, " ")
    .trim()
    .replace(/\s+/g, " ");
}

function problemOf(name: string): string {
  if (name === "") return "A name needs a letter or two.";
  return name.length > maxNameLength ? `A name has at most ${maxNameLength} characters.` : "";
}

/** In place of `maxlength`, which cuts off what is pasted without a word. */
function showLength(): void {
  const { length } = textField.value.trim();
  const excess = length - maxTextLength;
  byId("length").textContent =
    excess > 0
      ? `${excess} too many: the longest message has ${maxTextLength} characters.`
      : length > countFromLength
        ? `${length} of ${maxTextLength} characters`
        : "";
  textField.ariaInvalid = String(excess > 0);
  byId<HTMLButtonElement>("send").disabled = excess > 0;
}
