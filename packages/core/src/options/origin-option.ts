/**
 * Whether a string of the option can equal an `Origin` header: one with a path, without a scheme, or with the scheme's own port
 * would refuse everybody.
 */
export function isOriginOrWord(text: string): boolean {
  if (["same", "*", "null"].includes(text)) return true;
  if (/^https?:/i.test(text))
    return !text.includes("*") && URL.canParse(text) && new URL(text).origin === text;
  // Of extensions and webviews: chrome-extension://…, capacitor://localhost, file://
  return /^[a-z][a-z\d+.-]*:\/\/[^\s/?#*]*$/.test(text);
}
