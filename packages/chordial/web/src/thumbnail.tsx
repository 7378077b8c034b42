/**
 * Small pictures of images, made in the browser of what is in sight. The peer sends the bytes of images alone, told by
 * their first bytes, with their width and height; large ones are not decoded here.
 */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from './api.ts';

/** Of a file from which one is made. */
export const maxThumbnailBytes = 8 * 1000 * 1000;
const maxPixels = 40_000_000;
/** A line of pixels would be scaled to a very long one. */
const maxAspect = 8;
/** Pixels of a side, for dense screens. */
const side = 80;
const maxKept = 300;
const maxAtOnce = 2;
/** Rows that are scrolled past have none. */
const settleMilliseconds = 250;

interface Wanted {
  readonly cid: string;
  readonly isOpened: boolean;
}

/** By content, the one shown longest ago first; null where there is none. */
const kept = new Map<string, ImageBitmap | null>();
let underWay = 0;
const waiting: (() => void)[] = [];

export function Thumbnail({ cid, isOpened, children }: Wanted & { readonly children: ComponentChildren }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [picture, setPicture] = useState(kept.get(cid) ?? null);
  useEffect(() => {
    if (picture !== null) return;
    const ending = new AbortController();
    const timer = setTimeout(() => {
      thumbnailOf({ cid, isOpened }, ending.signal).then(setPicture, () => undefined);
    }, settleMilliseconds);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [cid]);
  useEffect(() => {
    if (picture === null) return;
    const { width, height } = picture;
    const edge = Math.min(width, height);
    const from = [(width - edge) / 2, (height - edge) / 2, edge, edge] as const;
    canvas.current?.getContext('2d')?.drawImage(picture, ...from, 0, 0, side, side);
  }, [picture]);
  if (picture === null) return <>{children}</>;
  return <canvas ref={canvas} class="thumbnail" width={side} height={side} />;
}

async function thumbnailOf(wanted: Wanted, signal: AbortSignal): Promise<ImageBitmap | null> {
  if (underWay >= maxAtOnce) {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
    });
  }
  underWay += 1;
  try {
    signal.throwIfAborted();
    const known = kept.get(wanted.cid);
    const picture = known === undefined ? await made(wanted, signal) : known;
    kept.delete(wanted.cid);
    kept.set(wanted.cid, picture);
    for (const [oldest] of kept) {
      if (kept.size <= maxKept) break;
      kept.delete(oldest);
    }
    return picture;
  } finally {
    underWay -= 1;
    waiting.shift()?.();
  }
}

async function made({ cid, isOpened }: Wanted, signal: AbortSignal): Promise<ImageBitmap | null> {
  const open = isOpened ? { open: true } : {};
  const { shown, width, height } = await call('GET /api/v1/previews/{cid}', { path: { cid }, query: open });
  signal.throwIfAborted();
  if (shown !== 'image' || width === null || height === null) return null;
  if (width * height > maxPixels || Math.max(width, height) > maxAspect * Math.min(width, height)) return null;
  const route = `/api/v1/previews/${encodeURIComponent(cid)}/bytes${isOpened ? '?open=true' : ''}`;
  const response = await fetch(route, { signal });
  if (!response.ok) return null;
  const bytes = await response.blob();
  // The height follows from the width.
  return createImageBitmap(bytes, { resizeWidth: 2 * side, resizeQuality: 'medium' }).catch(() => null);
}
