export interface Player {
  readonly id: number;
  x: number;
  y: number;
  score: number;
  /** Which keys are down: the bits of `keys`. */
  pressed: number;
}

export const keys = { up: 1, down: 2, left: 4, right: 8 };
export const arena = { width: 800, height: 500 };

const speedPerS = 250;
const reach = 24;

/** The whole state, which only the server changes; clients say which keys are down. Knows neither time nor network. */
export class Game {
  readonly players = new Map<number, Player>();
  coin = somewhere();
  tick = 0;
  #lastId = 0;

  /** Someone who is not in the game yet. */
  createPlayer(): Player {
    // 16 bits in a snapshot; there are never so many players at once.
    do this.#lastId = (this.#lastId + 1) % 65_536;
    while (this.players.has(this.#lastId));
    return { id: this.#lastId, ...somewhere(), score: 0, pressed: 0 };
  }

  join(player: Player): void {
    this.players.set(player.id, player);
  }

  leave({ id }: Player): void {
    this.players.delete(id);
  }

  step(seconds: number): void {
    this.tick++;
    for (const player of this.players.values()) {
      move(player, speedPerS * seconds);
      if (Math.hypot(player.x - this.coin.x, player.y - this.coin.y) > reach) continue;
      player.score++;
      this.coin = somewhere();
    }
  }
}

function move(player: Player, distance: number): void {
  const isDown = (key: keyof typeof keys) => Number((player.pressed & keys[key]) !== 0);
  const dx = isDown("right") - isDown("left");
  const dy = isDown("down") - isDown("up");
  // Not faster along the diagonal.
  const length = Math.hypot(dx, dy) || 1;
  player.x = clamp(player.x + (dx / length) * distance, arena.width);
  player.y = clamp(player.y + (dy / length) * distance, arena.height);
}

function clamp(value: number, max: number): number {
  return Math.min(Math.max(value, 0), max);
}

function somewhere(): { x: number; y: number } {
  return { x: Math.random() * arena.width, y: Math.random() * arena.height };
}
