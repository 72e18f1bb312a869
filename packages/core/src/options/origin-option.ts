/**
 * Whether a string of the option `origin` is one of its words, or can equal an `Origin` header. One with a path, without a scheme, or
 * with the default port of its scheme never does, so it would refuse everybody.
 */
export function isOriginOrWord(text: string): boolean {
  if (["same", "*", "null"].includes(text)) return true;
  if (/^https?:/i.test(text))
    return !text.includes("*") && URL.canParse(text) && new URL(text).origin === text;
  // The origins of browser extensions and webviews: chrome-extension://…, capacitor://localhost, file://
  return /^[a-z][a-z\d+.-]*:\/\/[^\s/?#*]*$/.test(text);
}
