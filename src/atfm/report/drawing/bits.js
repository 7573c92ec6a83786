// Packed masks and maps, as the service and the report send them, back to one byte a pixel.
//
// PACKED is {shape: [n, C, D, H, W], bits}: numpy.packbits of each mask, big-endian, each on its own bytes; channel 0
// is background where C > 1. MAP is {shape: [D, H, W], scale, data}: value = byte * scale. Text is base64.

/** The bytes of a base64 text. */
export function fromBase64(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let at = 0; at < raw.length; at += 1) bytes[at] = raw.charCodeAt(at);
  return bytes;
}

/** Masks that are unpacked one by one, when they are asked for. */
export class Masks {
  constructor(packed) {
    [this.count, this.channels, this.slices, this.height, this.width] = packed.shape;
    this.bytes = fromBase64(packed.bits);
    this.plane = this.height * this.width;
    this.stride = Math.ceil((this.channels * this.slices * this.plane) / 8);
    if (this.bytes.length !== this.count * this.stride) {
      throw new RangeError(`masks: expected ${this.count * this.stride} bytes, got ${this.bytes.length}`);
    }
  }

  /** Adds 1 to `into` [H * W] where channel `channel` of mask `number` is set on slice `slice` of the masks. */
  mark(into, number, channel, slice) {
    const first = (channel * this.slices + slice) * this.plane;
    const base = number * this.stride;
    const last = first + this.plane;
    for (let bit = first & ~7; bit < last; bit += 8) {
      const byte = this.bytes[base + (bit >> 3)];
      if (byte === 0) continue; // most of a mask
      for (let k = 0; k < 8; k += 1) {
        const at = bit + k;
        if (byte & (128 >> k) && at >= first && at < last) into[at - first] = 1;
      }
    }
    return into;
  }

  /** One slice of one mask, [H * W] of 0 and 1: any class but the background. */
  mask(number, slice = 0) {
    const plane = new Uint8Array(this.plane);
    const least = this.channels === 1 ? 0 : 1;
    for (let channel = least; channel < this.channels; channel += 1) this.mark(plane, number, channel, slice);
    return plane;
  }

  /** The bits of masks that are drawn later behind these: a run of samples that comes in parts. */
  join(packed) {
    const more = new Masks(packed);
    const bytes = new Uint8Array(this.bytes.length + more.bytes.length);
    bytes.set(this.bytes);
    bytes.set(more.bytes, this.bytes.length);
    this.bytes = bytes;
    this.count += more.count;
    return this;
  }
}

/** A map of which single values are read: probability, ambiguity. */
export class ValueMap {
  constructor(map) {
    [this.slices, this.height, this.width] = map.shape;
    this.scale = map.scale;
    this.bytes = fromBase64(map.data);
  }

  /** The bytes of a slice [H * W]; times `scale` they are values. */
  slice(number = 0) {
    const plane = this.height * this.width;
    return this.bytes.subarray(number * plane, (number + 1) * plane);
  }

  /** The value of a pixel. */
  at(column, row, slice = 0) {
    return this.bytes[(slice * this.height + row) * this.width + column] * this.scale;
  }
}
