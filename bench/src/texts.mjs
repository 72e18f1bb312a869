// What servers send by themselves, and the load expects.

export const ACKNOWLEDGEMENT = "ok";
export const NEWS = "news from an HTTP handler";
