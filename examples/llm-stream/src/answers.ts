import { defineHooks, type Hooks, Message, type Peer, ReadyState } from "@spry-ws/core";
import type { LanguageModel } from "./model.ts";
import { parseMessage, type ServerMessage } from "./protocol.ts";

interface Conversation {
  /** Aborts the answer that is under way. */
  answering: AbortController | undefined;
}

/** A client asks, and gets the answer of the model token by token. */
export function answers(model: LanguageModel): Hooks<Conversation> {
  return defineHooks<Conversation>({
    upgrade: () => ({ context: { answering: undefined } }),

    message(peer, message) {
      const request = parseMessage(message);
      switch (request?.type) {
        case "ask":
          if (peer.context.answering) return send(peer, { type: "error", reason: "one question at a time" });
          // Not awaited and not returned: the next message waits until this hook has settled, and it may be "cancel".
          // So nobody else takes its errors; it never rejects.
          void answer(peer, model, request.prompt);
          return;
        case "cancel":
          return peer.context.answering?.abort();
        default:
          return send(peer, { type: "error", reason: "not a message of this protocol" });
      }
    },

    close(peer) {
      peer.context.answering?.abort();
    },
  });
}

/** Never rejects. */
async function answer(peer: Peer<Conversation>, model: LanguageModel, prompt: string): Promise<void> {
  const answering = new AbortController();
  const { signal } = answering;
  peer.context.answering = answering;
  let last: ServerMessage = { type: "done" };
  try {
    for await (const text of model.stream(prompt, signal)) {
      // To a peer that is closing nothing can be sent, and nothing has to drain: this would go on without a pause.
      if (peer.readyState !== ReadyState.open) answering.abort();
      if (signal.aborted) break; // which ends the generator
      // The model is asked for the next token when the client has room for it.
      if (!send(peer, { type: "token", text })) await peer.drained();
    }
  } catch (error) {
    // Aborted models throw what they like; what others throw is for the log, not for the client.
    if (!signal.aborted) {
      console.error(error);
      last = { type: "error", reason: "the model has failed" };
    }
  }
  peer.context.answering = undefined;
  send(peer, signal.aborted ? { type: "cancelled" } : last);
}

/** False: wait for `peer.drained()`. A peer that has gone is sent nothing. */
function send(peer: Peer, message: ServerMessage): boolean {
  return peer.send(Message.json(message));
}
