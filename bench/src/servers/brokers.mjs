// Where the brokers are, and which one joins this server with others of its kind: `--redis`, `--nats`.

export const redisUrl = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
export const natsUrl = process.env.NATS_URL ?? "nats://127.0.0.1:4222";

export const hasRedis = process.argv.includes("--redis");
export const hasNats = process.argv.includes("--nats");
