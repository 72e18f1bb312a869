import { randomBytes } from "node:crypto";
import { errors, jwtVerify, SignJWT } from "jose";

export interface User {
  readonly name: string;
  /** When the token's `exp` is. */
  readonly expiresAt: Date;
}

const algorithm = "HS256";
const issuer = "https://login.example";
const audience = "notes";

/** Issues and checks JWTs. Where another service issues them, `verify` with its public keys is all you need. */
export class Tokens {
  readonly #key: Uint8Array;

  /** Without a secret it is a random one, and the tokens are worth nothing after a restart. */
  constructor(secret: string = randomBytes(32).toString("hex")) {
    // RFC 7518 section 3.2: a key for HS256 has at least 256 bits.
    if (Buffer.byteLength(secret) < 32) throw new RangeError("The secret must have at least 32 bytes.");
    this.#key = Buffer.from(secret);
  }

  issue(name: string, lifetimeS: number): Promise<string> {
    return new SignJWT()
      .setProtectedHeader({ alg: algorithm })
      .setSubject(name)
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime(Math.floor(Date.now() / 1_000) + lifetimeS)
      .sign(this.#key);
  }

  /** Undefined for a token that is not ours, not for us or expired. */
  async verify(token: string): Promise<User | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        // Never what the token itself says: that is how "alg": "none" comes in.
        algorithms: [algorithm],
        issuer,
        audience,
        requiredClaims: ["sub", "exp"],
      });
      return { name: String(payload.sub), expiresAt: new Date(Number(payload.exp) * 1_000) };
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }
}
