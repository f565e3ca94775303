package io.tandem.worker.engine.nd4j;

/**
 * How loops over [M, C] are cut: into tiles of whole rows, which fit the processor's first cache;
 * tiles into groups, which fit its second; groups into parts, which may run on different threads.
 * All depend on the shape alone: the number of threads never changes a sum.
 *
 * @param channels C, at least 1
 * @param tile elements of a tile, a multiple of C
 * @param group elements of a group
 * @param parts how many parts
 * @param part elements of a part; the last may have fewer
 * @param elements M x C
 */
record Chunks(int channels, int tile, int group, int parts, long part, long elements) {
  private static final int TILE = 512;
  private static final int TILES_OF_GROUP = 64;
  private static final int MOST_PARTS = 16;

  /** For M x C elements. */
  static Chunks of(long elements, int channels) {
    int c = Math.max(1, channels);
    int tile = (int) Math.min(c * (long) Math.max(1, TILE / c), Math.max(c, elements));
    int group = tile * TILES_OF_GROUP;
    long groups = Math.max(1, (elements + group - 1) / group);
    long groupsOfPart = (groups + MOST_PARTS - 1) / MOST_PARTS;
    int parts = (int) ((groups + groupsOfPart - 1) / groupsOfPart);
    return new Chunks(c, tile, group, parts, groupsOfPart * group, elements);
  }

  /** What is done with n elements from {@code at}. */
  interface Body {
    void run(long at, int n);
  }

  /** The groups of a part, in order. */
  void groups(int index, Body body) {
    cut(index * part, Math.min(elements, (index + 1) * part), group, body);
  }

  /** The tiles of n elements from {@code at}, in order. */
  void tiles(long at, long n, Body body) {
    cut(at, at + n, tile, body);
  }

  /** The tiles of a part, in order. */
  void tiles(int index, Body body) {
    cut(index * part, Math.min(elements, (index + 1) * part), tile, body);
  }

  private static void cut(long from, long to, int size, Body body) {
    for (long at = from; at < to; at += size) {
      body.run(at, (int) Math.min(size, to - at));
    }
  }
}
