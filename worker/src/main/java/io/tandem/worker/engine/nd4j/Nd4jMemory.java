package io.tandem.worker.engine.nd4j;

import io.tandem.worker.engine.DType;
import io.tandem.worker.engine.Memory;
import io.tandem.worker.engine.MemoryKind;
import io.tandem.worker.engine.Shape;
import io.tandem.worker.engine.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Blocks are recycled by length, because allocating 8 MB costs ten times as much as a kernel over
 * it. One rank's thread only.
 */
final class Nd4jMemory implements Memory, AutoCloseable {
  private final DType dtype;
  private final DataType type;
  private final NativeThreads threads;
  private final Lanes<?> lanes;
  private final Map<Long, Deque<Block>> free = new HashMap<>();
  private final Set<Nd4jTensor> live = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Deque<OpenScope> scopes = new ArrayDeque<>();
  private final long[] current = new long[MemoryKind.values().length];
  private final long[] peak = new long[MemoryKind.values().length];
  private long inUse;
  private long mostInUse;
  private long pooledBytes;
  private boolean closed;

  Nd4jMemory(DType dtype, NativeThreads threads) {
    this.threads = threads;
    this.dtype = dtype;
    this.type =
        switch (dtype) {
          case FLOAT32 -> DataType.FLOAT;
          case FLOAT64 -> DataType.DOUBLE;
          case BFLOAT16 ->
              throw new IllegalArgumentException(
                  "ND4J computes in FLOAT32 and FLOAT64, not in BFLOAT16: choose one of those");
        };
    this.lanes = dtype == DType.FLOAT32 ? new FloatLanes() : new DoubleLanes();
  }

  /** Closes what was made since it was opened and is neither closed nor kept. */
  final class OpenScope implements Scope {
    private final List<Nd4jTensor> made = new ArrayList<>();
    private boolean closed;

    @Override
    public <T extends Tensor> T keep(T x) {
      Nd4jTensor tensor = own(x);
      if (!tensor.isView()) {
        if (tensor.scope != this) {
          throw new IllegalStateException(tensor + " does not belong to this scope");
        }
        tensor.scope = null;
      }
      return x;
    }

    @Override
    public void close() {
      if (closed) {
        return;
      }
      if (scopes.peek() != this) {
        throw new IllegalStateException(
            "scopes close in reverse order of opening: close the inner one first");
      }
      scopes.pop();
      closed = true;
      for (Nd4jTensor tensor : made) {
        if (tensor.scope == this) {
          tensor.close();
        }
      }
      made.clear();
    }
  }

  @Override
  public DType dtype() {
    return dtype;
  }

  Lanes<?> lanes() {
    return lanes;
  }

  @Override
  public Scope openScope() {
    OpenScope scope = new OpenScope();
    scopes.push(scope);
    return scope;
  }

  /** x as this engine's, or an error that says what is wrong with it. */
  Nd4jTensor own(Tensor x) {
    if (!(x instanceof Nd4jTensor tensor) || tensor.memory() != this) {
      throw new IllegalArgumentException("a tensor of another engine: " + x);
    }
    if (tensor.isClosed()) {
      throw new IllegalStateException("used after close: " + tensor);
    }
    return tensor;
  }

  private Nd4jTensor make(Shape shape, MemoryKind kind) {
    if (closed) {
      throw new IllegalStateException("the engine is closed");
    }
    // Every kernel that calls native code makes its output first.
    threads.tell();
    long elements = shape.elements();
    if (elements * dtype.bytes() > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          dtype
              + " "
              + shape
              + " needs "
              + elements * dtype.bytes()
              + " bytes; a tensor holds at most "
              + Integer.MAX_VALUE
              + ": use more shards or a smaller batch");
    }
    Deque<Block> fitting = free.get(elements);
    Block block = fitting == null ? null : fitting.poll();
    if (block == null) {
      block = new Block(type, elements);
    } else {
      pooledBytes -= elements * dtype.bytes();
    }
    Nd4jTensor tensor = new Nd4jTensor(this, block, shape, kind);
    live.add(tensor);
    int k = kind.ordinal();
    current[k] += elements * dtype.bytes();
    peak[k] = Math.max(peak[k], current[k]);
    inUse += elements * dtype.bytes();
    mostInUse = Math.max(mostInUse, inUse);
    return tensor;
  }

  void release(Nd4jTensor tensor) {
    live.remove(tensor);
    long bytes = tensor.elements() * dtype.bytes();
    current[tensor.kind().ordinal()] -= bytes;
    inUse -= bytes;
    free.computeIfAbsent(tensor.elements(), n -> new ArrayDeque<>()).push(tensor.block());
    pooledBytes += bytes;
    trim();
  }

  /**
   * Lengths that a new batch size left behind must not pile up: once twice of what was ever in use
   * at a time lies idle, all of that goes.
   */
  private void trim() {
    if (pooledBytes > 2 * mostInUse) {
      freePool();
    }
  }

  private void freePool() {
    free.values().forEach(blocks -> blocks.forEach(Block::free));
    free.clear();
    pooledBytes = 0;
  }

  /** Bytes that lie idle for reuse. */
  long pooledBytes() {
    return pooledBytes;
  }

  @Override
  public Tensor allocate(Shape shape, MemoryKind kind) {
    Nd4jTensor x = make(shape, kind);
    lanes.fill(x, 0);
    return x;
  }

  @Override
  public Nd4jTensor zeros(Shape shape) {
    Nd4jTensor x = uninitialized(shape);
    lanes.fill(x, 0);
    return x;
  }

  @Override
  public Nd4jTensor uninitialized(Shape shape) {
    Nd4jTensor x = make(shape, MemoryKind.ACTIVATIONS);
    OpenScope scope = scopes.peek();
    if (scope != null) {
      x.scope = scope;
      scope.made.add(x);
    }
    return x;
  }

  @Override
  public Tensor upload(Shape shape, double[] values) {
    checkLength(shape, values.length);
    Nd4jTensor x = uninitialized(shape);
    lanes.write(values, x, 0, values.length);
    return x;
  }

  @Override
  public Tensor upload(Shape shape, float[] values) {
    checkLength(shape, values.length);
    Nd4jTensor x = uninitialized(shape);
    lanes.writeFloats(values, x);
    return x;
  }

  private static void checkLength(Shape shape, int length) {
    if (shape.elements() != length) {
      throw new IllegalArgumentException(
          shape + " holds " + shape.elements() + " values, given were " + length);
    }
  }

  @Override
  public double[] download(Tensor x) {
    Nd4jTensor from = own(x);
    double[] values = new double[Math.toIntExact(from.elements())];
    lanes.read(from, 0, values, values.length);
    return values;
  }

  @Override
  public void download(Tensor x, float[] into, int offset) {
    Nd4jTensor from = own(x);
    if (offset < 0 || from.elements() > into.length - offset) {
      throw new IllegalArgumentException(
          from + " does not fit into " + into.length + " values from " + offset);
    }
    lanes.readFloats(from, into, offset);
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    Nd4jTensor source = own(from);
    Nd4jTensor target = own(to);
    Check.sameElements("copy", source, target);
    int size = dtype.bytes();
    target
        .memoryBytes()
        .put(
            (int) target.offset() * size,
            source.memoryBytes(),
            (int) source.offset() * size,
            (int) source.elements() * size);
  }

  @Override
  public Tensor view(Tensor x, Shape shape) {
    if (x.shape().elements() != shape.elements()) {
      throw new IllegalArgumentException(
          "a view of " + x.shape() + " as " + shape + " has another number of elements");
    }
    return view(x, 0, shape);
  }

  @Override
  public Nd4jTensor view(Tensor x, long from, Shape shape) {
    Nd4jTensor viewed = own(x);
    if (from < 0 || from + shape.elements() > viewed.elements()) {
      throw new IllegalArgumentException(
          "elements "
              + from
              + " to "
              + (from + shape.elements())
              + " lie outside of "
              + viewed.shape());
    }
    return new Nd4jTensor(viewed, from, shape);
  }

  @Override
  public HostBuffer host(Tensor x, Access access) {
    Nd4jTensor tensor = own(x);
    int size = dtype.bytes();
    ByteBuffer bytes =
        tensor
            .memoryBytes()
            .slice((int) tensor.offset() * size, (int) tensor.elements() * size)
            .order(ByteOrder.nativeOrder());
    return new HostBuffer() {
      @Override
      public ByteBuffer bytes() {
        return bytes;
      }

      @Override
      public void close() {
        // The bytes are the tensor's own: there is nothing to write back.
      }
    };
  }

  @Override
  public long bytes(MemoryKind kind) {
    return current[kind.ordinal()];
  }

  @Override
  public long peakBytes(MemoryKind kind) {
    return peak[kind.ordinal()];
  }

  @Override
  public void resetPeaks() {
    System.arraycopy(current, 0, peak, 0, current.length);
  }

  @Override
  public void close() {
    if (!closed) {
      List.copyOf(live).forEach(Nd4jTensor::close);
      freePool();
      closed = true;
    }
  }
}
