/** Images: OCI layouts written and read. The same paths give the same bytes; nothing that is read is trusted. */
export { writeImage, type ImageOptions, type WrittenImage } from './write/image.ts';
export { imageDigestOf, openImage, type Image, type ImageLayer } from './read/open.ts';
export { extractImage, readRecord, type ExtractOptions } from './read/extract.ts';
