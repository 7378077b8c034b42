/**
 * A shared memory limit for all connections. Each has a small reserve of its own, so that one that uses up the limit
 * does not block small messages of others.
 */
export interface RoomBounds {
  readonly maxBytes: number;
  readonly maxBytesPerConnection: number;
  readonly alwaysBytesPerConnection: number;
}

export class ByteRoom {
  readonly #bounds: RoomBounds;
  #taken = 0;

  constructor(bounds: RoomBounds) {
    this.#bounds = bounds;
  }

  get takenBytes(): number {
    return this.#taken;
  }

  /** The part of one connection. */
  share(): ShareOfRoom {
    let own = 0;
    const fits = (bytes: number): boolean => {
      const { maxBytes, maxBytesPerConnection, alwaysBytesPerConnection } = this.#bounds;
      const after = own + bytes;
      if (after > maxBytesPerConnection) return false;
      return after <= alwaysBytesPerConnection || this.#taken + bytes <= maxBytes;
    };
    return {
      fits,
      take: (bytes) => {
        if (!fits(bytes)) return false;
        own += bytes;
        this.#taken += bytes;
        return true;
      },
      give: (bytes) => {
        own -= bytes;
        this.#taken -= bytes;
      },
    };
  }
}

export interface ShareOfRoom {
  fits(bytes: number): boolean;
  /** False: no room, nothing was reserved. */
  take(bytes: number): boolean;
  give(bytes: number): void;
}
