import { scrypt, timingSafeEqual } from "node:crypto";

/** A stand-in for your table of users: a salt and the scrypt hash of a password that the README tells. */
const users = new Map([
  [
    "ada",
    {
      salt: "GKaPqliagE96Ovnty49djw",
      hash: Buffer.from("cAdMEiW5onWCpLfJzwxZjSK9bWTv7STZe1ubxUBCT0w", "base64url"),
    },
  ],
  [
    "grace",
    {
      salt: "ZH2QyiH1l3M8qhm1a7fCmQ",
      hash: Buffer.from("eJsC4pXGNGbkaiuwPNzS7MLV4GYzBoFeaa69FJf78zQ", "base64url"),
    },
  ],
]);

const nobody = { salt: "", hash: Buffer.alloc(32) };

/** Takes as long for a name that does not exist: how long it takes must not tell which names there are. */
export async function isPasswordOf(name: string, password: string): Promise<boolean> {
  const user = users.get(name);
  const { salt, hash } = user ?? nobody;
  const given = await derive(password, Buffer.from(salt, "base64url"), hash.length);
  return timingSafeEqual(given, hash) && user !== undefined;
}

function derive(password: string, salt: Buffer, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
