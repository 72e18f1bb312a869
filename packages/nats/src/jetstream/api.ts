import type { NatsMessageLike } from "../types.ts";
import { type ApiError, Refused } from "./explain.ts";
import type { Requests } from "./requests.ts";
import type { Settings } from "./settings.ts";

/** The JetStream API for one stream. */
export class Api {
  readonly stream: string;
  readonly requests: Requests;
  readonly #prefix: string;

  constructor(requests: Requests, { api, stream }: Settings) {
    this.requests = requests;
    this.#prefix = api;
    this.stream = stream;
  }

  /** @param name of the API, such as `STREAM.INFO` @param rest what follows the name of the stream */
  subject(name: string, rest = ""): string {
    return `${this.#prefix}.${name}.${this.stream}${rest && `.${rest}`}`;
  }

  /** @throws Refused where the answer is an error */
  async call<T>(subject: string, body?: object): Promise<T> {
    return parse<T>(await this.requests.request(subject, encode(body)));
  }
}

export function encode(body: object | undefined): Uint8Array {
  return body ? Buffer.from(JSON.stringify(body)) : new Uint8Array();
}

/** @throws Refused where it is an error */
export function parse<T>({ data }: NatsMessageLike): T {
  const { buffer, byteOffset, byteLength } = data;
  const answer = JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString()) as T & {
    error?: ApiError;
  };
  if (answer.error) throw new Refused(answer.error);
  return answer;
}
