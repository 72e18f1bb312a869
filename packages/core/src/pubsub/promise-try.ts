/** Promise.try, which Node has from 24 on: a call of a link that throws, though it should reject, must not end the process. */
export async function promiseTry<T>(call: () => Promise<T>): Promise<T> {
  return call();
}
