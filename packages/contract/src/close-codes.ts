/** Whether another attempt to connect is of no use after this close code. */
export function isFinal(code: number): boolean {
  if (code >= 4400 && code < 4500) return code !== 4408 && code !== 4425 && code !== 4429;
  return code === 1000 || code === 1002 || code === 1003 || (code >= 1007 && code <= 1010);
}
