package io.tandem.worker.data;

/** The images of one split, numbered from 0 in an order that every worker sees. Thread-safe. */
public interface ImageSource {
  /** The label of an image without one. */
  int UNLABELED = -1;

  /** How many images there are. */
  int count();

  /** The class in 0..K-1, or {@link #UNLABELED}. */
  int label(int index);

  /** What people call the image: a path, or a file and a number. */
  String name(int index);

  /**
   * The pixels, resized to the job's size: {@code H*W*C} bytes, channels last, RGB or grey. A new
   * array.
   *
   * @throws UnreadableImageException when this image is broken
   * @throws DataException when the store that holds it fails: the image may be fine
   */
  byte[] decode(int index) throws UnreadableImageException;
}
