package io.tandem.worker.engine.nd4j;

/**
 * How loops over [M, C] are cut. Chunks fit the processor's cache. Parts, which may run on
 * different threads, depend on the shape alone: the number of threads never changes a sum.
 */
record Chunks(int channels, int width, int chunk, int parts, long partElements, long elements) {
  /** Elements of a chunk: 64 KB of float32. */
  private static final int CHUNK = 16_384;

  /** The least width for which a vector loop pays. */
  private static final int WIDTH = 512;

  /** A part below this many elements costs more to hand out than to compute. */
  private static final int LEAST_PART = 65_536;

  private static final int MOST_PARTS = 16;

  /** For M x C elements. */
  static Chunks of(long elements, int channels) {
    int c = Math.max(1, channels);
    int width = c * Math.max(1, WIDTH / c);
    int chunk = width * Math.max(1, CHUNK / width);
    int wanted = (int) Math.max(1, Math.min(MOST_PARTS, elements / LEAST_PART));
    long chunks = Math.max(1, (elements + chunk - 1) / chunk);
    long chunksPerPart = (chunks + wanted - 1) / wanted;
    int parts = (int) ((chunks + chunksPerPart - 1) / chunksPerPart);
    return new Chunks(c, width, chunk, parts, chunksPerPart * chunk, elements);
  }

  /** The first element of a part. */
  long from(int part) {
    return part * partElements;
  }

  /** One past the last element of a part. */
  long to(int part) {
    return Math.min(elements, (part + 1) * partElements);
  }

  /** Heap array length that holds any chunk. */
  int buffer() {
    return (int) Math.min(chunk, elements);
  }
}
