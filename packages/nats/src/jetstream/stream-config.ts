import type { Settings } from "./settings.ts";

/** The configuration of a stream, as the JetStream API writes it. Durations are in nanoseconds, and -1 is no bound. */
export interface StreamConfig {
  readonly name: string;
  readonly subjects?: readonly string[];
  readonly retention: string;
  readonly storage: string;
  readonly num_replicas: number;
  readonly max_msgs: number;
  readonly max_bytes: number;
  readonly max_age: number;
  readonly max_msgs_per_subject: number;
  readonly discard: string;
  readonly discard_new_per_subject?: boolean;
  readonly duplicate_window: number;
  readonly allow_direct: boolean;
  readonly republish?: { readonly src?: string; readonly dest: string; readonly headers_only?: boolean };
  readonly no_ack?: boolean;
  readonly sealed?: boolean;
}

export const nanosecondsPerMs = 1_000_000;

/** The stream that is created where there is none. */
export function configOf(settings: Settings): StreamConfig {
  return {
    name: settings.stream,
    subjects: [`${settings.logPrefix}.*`],
    retention: "limits",
    storage: "file",
    num_replicas: settings.replicas,
    max_msgs: -1,
    max_bytes: settings.maxBytes,
    max_age: 0,
    max_msgs_per_subject: settings.maxMessages,
    discard: "new",
    duplicate_window: settings.idWindowMs * nanosecondsPerMs,
    allow_direct: true,
    republish: { src: `${settings.logPrefix}.*`, dest: `${settings.livePrefix}.{{wildcard(1)}}` },
  };
}

/** What has to be changed in the configuration of a stream that exists, one text for each field; none where it fits. */
export function misfitsOf(config: StreamConfig, settings: Settings): string[] {
  const { logPrefix, livePrefix } = settings;
  const misfits: string[] = [];
  const expect = (field: keyof StreamConfig, isFit: boolean, wanted: string) => {
    if (!isFit) misfits.push(`${field} must be ${wanted}, and is ${JSON.stringify(config[field])}`);
  };
  const { subjects = [], republish } = config;
  const isAll = [`${logPrefix}.*`, `${logPrefix}.>`].some((subject) => subjects.includes(subject));
  expect("subjects", isAll, `["${logPrefix}.*"]`);
  expect("retention", config.retention === "limits", '"limits"');
  // A stream in memory may lose its messages and keep its time of creation, by which a new one is known.
  expect("storage", config.storage === "file", '"file"');
  // By the newest message of each topic is known whether a position is up to date: it has to stay, however old it is.
  expect("max_age", config.max_age === 0, "0 (topics have their own maxAgeMs)");
  expect("max_msgs", config.max_msgs <= 0 || config.discard === "new", '-1, or discard "new"');
  expect("max_bytes", config.max_bytes <= 0 || config.discard === "new", '-1, or discard "new"');
  expect("discard_new_per_subject", !config.discard_new_per_subject, "false");
  expect("allow_direct", config.allow_direct, "true");
  expect("no_ack", !config.no_ack, "false");
  expect("sealed", !config.sealed, "false");
  const isRepublished =
    republish !== undefined &&
    !republish.headers_only &&
    [
      [`${logPrefix}.*`, `${livePrefix}.{{wildcard(1)}}`],
      [`${logPrefix}.*`, `${livePrefix}.$1`],
      [`${logPrefix}.>`, `${livePrefix}.>`],
    ].some(([src, dest]) => republish.src === src && republish.dest === dest);
  expect("republish", isRepublished, JSON.stringify(configOf(settings).republish));
  return misfits;
}
