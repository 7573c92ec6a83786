// Which part of the image is seen: the same for all panes, so that they show the same place.

export const MOST_ZOOM = 64;

/** The height of a pixel by its width; 1 where the spacing is not known. */
export function aspectOf(image) {
  return image.spacing && image.spacing.x > 0 && image.spacing.y > 0 ? image.spacing.y / image.spacing.x : 1;
}

/** From pixels of the image to those of a pane: x * across + left, y * down + top. */
export function transformOf(image, camera, width, height) {
  const aspect = aspectOf(image);
  const fit = Math.min(width / image.size.width, height / (image.size.height * aspect));
  const across = fit * camera.zoom;
  const down = across * aspect;
  return { across, down, left: width / 2 - camera.x * across, top: height / 2 - camera.y * down };
}

/** The camera that shows the whole image. */
export function fitted(image) {
  return { zoom: 1, x: image.size.width / 2, y: image.size.height / 2 };
}

/** The camera that looks at a box {x, y, width, height} of the image, with some of what lies round it. */
export function lookingAt(image, box) {
  const { width, height } = image.size;
  const zoom = Math.min(Math.max(1, 0.8 * Math.min(width / box.width, height / box.height)), MOST_ZOOM);
  return { zoom, x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** The camera of a first look: at what the model sees of a flat image. */
export function firstCamera(image, sees) {
  return sees && image.size.slices === 1 ? lookingAt(image, sees) : fitted(image);
}

/** The image stays in view: what lies in the middle is always a pixel of it. */
function held(image, camera) {
  return {
    zoom: camera.zoom,
    x: Math.min(Math.max(camera.x, 0), image.size.width),
    y: Math.min(Math.max(camera.y, 0), image.size.height),
  };
}

/** Zooms by a factor so that the point (x, y) of the image stays where it is. */
export function zoomed(image, camera, factor, x = camera.x, y = camera.y) {
  const zoom = Math.min(Math.max(camera.zoom * factor, 0.5), MOST_ZOOM);
  const kept = camera.zoom / zoom;
  return held(image, { zoom, x: x - (x - camera.x) * kept, y: y - (y - camera.y) * kept });
}

/** Moves the image by pixels of the image. */
export function moved(image, camera, x, y) {
  return held(image, { zoom: camera.zoom, x: camera.x - x, y: camera.y - y });
}
