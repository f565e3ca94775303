package io.tandem.worker.parallel;

import io.tandem.worker.autograd.Placement.SplitBatch;
import io.tandem.worker.autograd.Placement.SplitWidth;
import io.tandem.worker.autograd.Split;
import io.tandem.worker.autograd.Tape;
import io.tandem.worker.autograd.Var;
import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;

/**
 * The all-to-all between strips of all images and whole images of a part of the batch; each
 * direction is the other's backward.
 */
final class Redistribution {
  private Redistribution() {}

  static Var toBatch(ShardContext context, Tape tape, Var x) {
    int width = ((SplitWidth) x.placement()).width();
    int batch = x.value().shape().dim(0);
    Split rows = Split.even(batch, context.shards().size());
    Var y = new Var(toBatch(context, x.value(), rows, width), new SplitBatch(rows));
    if (tape != null) {
      tape.record(
          () -> {
            Tensor dy = y.takeGradient();
            x.accumulate(context.engine(), toWidth(context, dy, rows, width));
            dy.close();
          });
    }
    return y;
  }

  static Var toWidth(ShardContext context, Tape tape, Var x) {
    Split rows = ((SplitBatch) x.placement()).rows();
    int width = x.value().shape().dim(2);
    Var y = new Var(toWidth(context, x.value(), rows, width), new SplitWidth(width));
    if (tape != null) {
      tape.record(
          () -> {
            Tensor dy = y.takeGradient();
            x.accumulate(context.engine(), toBatch(context, dy, rows, width));
            dy.close();
          });
    }
    return y;
  }

  /** Strips of all images (N H w C) to whole images of this shard's part (n H W C). */
  private static Tensor toBatch(ShardContext context, Tensor x, Split batch, int width) {
    Engine engine = context.engine();
    Shape s = x.shape();
    Split columns = Split.even(width, context.shards().size());
    int me = context.shard();
    Tensor[] out = new Tensor[batch.parts()];
    Tensor[] in = new Tensor[batch.parts()];
    for (int i = 0; i < batch.parts(); i++) {
      if (i != me) {
        out[i] = images(engine, x, batch.start(i), batch.length(i));
        in[i] = empty(engine, batch.length(me), s.dim(1), columns.length(i), s.dim(3));
      }
    }
    Exchange.run(context, out, in);
    Tensor y = engine.uninitialized(Shape.of(batch.length(me), s.dim(1), width, s.dim(3)));
    for (int i = 0; i < batch.parts(); i++) {
      Tensor from = i == me ? images(engine, x, batch.start(me), batch.length(me)) : in[i];
      if (from != null) {
        engine.copyRegion(from, 0, 0, y, 0, columns.start(i), s.dim(1), columns.length(i));
        from.close();
      }
      if (out[i] != null) {
        out[i].close();
      }
    }
    return y;
  }

  /** Whole images of this shard's part (n H W C) to strips of all images (N H w C). */
  private static Tensor toWidth(ShardContext context, Tensor x, Split batch, int width) {
    Engine engine = context.engine();
    Shape s = x.shape();
    Split columns = Split.even(width, context.shards().size());
    int me = context.shard();
    Tensor[] out = new Tensor[batch.parts()];
    Tensor[] in = new Tensor[batch.parts()];
    Tensor y =
        engine.uninitialized(Shape.of(batch.total(), s.dim(1), columns.length(me), s.dim(3)));
    for (int i = 0; i < batch.parts(); i++) {
      Tensor strip = empty(engine, batch.length(me), s.dim(1), columns.length(i), s.dim(3));
      if (strip != null) {
        engine.copyRegion(x, 0, columns.start(i), strip, 0, 0, s.dim(1), columns.length(i));
      }
      if (i == me) {
        if (strip != null) {
          Tensor place = images(engine, y, batch.start(me), batch.length(me));
          engine.copy(strip, place);
          strip.close();
        }
      } else {
        out[i] = strip;
        in[i] = images(engine, y, batch.start(i), batch.length(i));
      }
    }
    Exchange.run(context, out, in);
    for (Tensor tensor : out) {
      if (tensor != null) {
        tensor.close();
      }
    }
    return y;
  }

  private static Tensor empty(Engine engine, int n, int h, int w, int c) {
    return (long) n * w == 0 ? null : engine.uninitialized(Shape.of(n, h, w, c));
  }

  /** A view of some images; null for none. */
  private static Tensor images(Engine engine, Tensor x, int from, int count) {
    Shape s = x.shape();
    long image = (long) s.dim(1) * s.dim(2) * s.dim(3);
    return count == 0 || image == 0
        ? null
        : engine.view(x, from * image, Shape.of(count, s.dim(1), s.dim(2), s.dim(3)));
  }
}
