package io.tandem.worker.engine.nd4j;

/**
 * Passes over whole tensors: tile by tile through arrays that stay in the processor's first cache,
 * parts on several threads.
 *
 * @param <A> float[] or double[]
 */
final class Tiles<A> {
  private final Lanes<A> lanes;
  private final Parallel parallel;

  Tiles(Lanes<A> lanes, Parallel parallel) {
    this.lanes = lanes;
    this.parallel = parallel;
  }

  /** Changes values in place. */
  interface Body<A> {
    void run(A values, int n);
  }

  /** Changes values in place, from others. */
  interface Body2<A> {
    void run(A inOut, A values, int n);
  }

  /** {@code out = body(in)}; the two may be one. */
  void map(Chunks chunks, Nd4jTensor in, Nd4jTensor out, Body<A> body) {
    parallel.run(
        chunks.parts(),
        part -> {
          A values = lanes.array(chunks.tile());
          chunks.tiles(
              part,
              (at, n) -> {
                lanes.load(in, at, values, n);
                body.run(values, n);
                lanes.store(values, out, at, n);
              });
        });
  }

  /** {@code out = body(a, b)}; out may be one of them. */
  void map2(Chunks chunks, Nd4jTensor a, Nd4jTensor b, Nd4jTensor out, Body2<A> body) {
    parallel.run(
        chunks.parts(),
        part -> {
          A as = lanes.array(chunks.tile());
          A bs = lanes.array(chunks.tile());
          chunks.tiles(
              part,
              (at, n) -> {
                lanes.load(a, at, as, n);
                lanes.load(b, at, bs, n);
                body.run(as, bs, n);
                lanes.store(as, out, at, n);
              });
        });
  }
}
