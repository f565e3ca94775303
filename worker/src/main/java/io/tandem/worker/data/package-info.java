/**
 * From files to batches: sources of images, the plan of which sample goes where, augmented views,
 * and loading ahead of the training. Everything random is told by (seed, step, position and sample
 * in the global batch), never by a rank. Shapes: {@code N} images, {@code H} rows, {@code W}
 * columns, {@code C} channels (RGB or grey); pixels are bytes read as 0..255, channels last.
 */
package io.tandem.worker.data;
