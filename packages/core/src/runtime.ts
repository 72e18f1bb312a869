/** Whether `node:http` is native code without Node's parser on the socket, as in Bun. */
export const hasNativeHttp: boolean = "Bun" in globalThis;
