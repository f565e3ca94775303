package io.tandem.worker.collective;

import io.tandem.worker.fabric.Fabric;
import io.tandem.worker.fabric.Fabric.Operation;
import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Times collectives over a world of ranks. Bytes and bus bandwidth are nccl-tests' (its
 * doc/PERFORMANCE.md): with n ranks, bytes N are those of the larger of the two buffers, algorithm
 * bandwidth is N / time, and bus bandwidth is that times 2(n-1)/n for all-reduce, (n-1)/n for
 * reduce-scatter and all-gather. For the halo exchange N is what a rank sends, half of it to each
 * of its two neighbours on the ring, and bus bandwidth N / time, as in nccl-tests' sendrecv. So bus
 * bandwidth is always what a rank sends over time, and as much comes in meanwhile.
 */
public final class CollectiveBenchmark {
  /** What is timed. */
  public static final List<Collective> COLLECTIVES =
      List.of(
          Collective.ALL_REDUCE, Collective.REDUCE_SCATTER, Collective.ALL_GATHER, Collective.HALO);

  private static final int TAG_HALO = FabricCommunicator.TAGS;
  private static final long WARM_UP_NS = 400_000_000;
  private static final long BYTES_EACH = 1L << 30;
  private static final int FEWEST = 7;
  private static final int MOST = 500;

  private static final List<Integer> SETTLING_BYTES = List.of(4 << 10, 1 << 20);
  private static final long SETTLING_ROUND_NS = TimeUnit.SECONDS.toNanos(1);
  private static final int CALM_ROUNDS = 3;

  /** Of a round's time, what a JVM may still compile at rest. */
  private static final double REST = 0.05;

  private CollectiveBenchmark() {}

  /**
   * One line of the report.
   *
   * @param transport {@code in-process}, {@code ipc} or {@code udp}
   * @param bytes N
   * @param medianMicros over the repetitions, of the slowest rank each time
   * @param busGigabytesPerSecond 10^9 bytes
   */
  public record Result(
      String collective,
      String transport,
      int ranks,
      int bytes,
      double medianMicros,
      double busGigabytesPerSecond) {}

  /**
   * Works until the compilers of all ranks' JVMs have been at rest for three seconds: a JVM's first
   * twenty seconds say nothing of the hours after them, least of all where ranks that wait keep
   * every core busy. All ranks of the world call it.
   *
   * @param fabric this rank's; used by the calling thread alone
   * @param seconds at most; the same on all ranks
   */
  public static void settle(Fabric fabric, int seconds) {
    Communicator all = world(fabric);
    List<Runnable> calls =
        COLLECTIVES.stream()
            .flatMap(
                collective ->
                    SETTLING_BYTES.stream().map(bytes -> call(collective, fabric, all, bytes)))
            .toList();
    CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
    ByteBuffer compiling = ByteBuffer.allocateDirect(Double.BYTES).order(ByteOrder.nativeOrder());
    int calm = 0;
    for (int round = 0; round < seconds && calm < CALM_ROUNDS; round++) {
      long began = System.nanoTime();
      long before = compiler.getTotalCompilationTime();
      repeat(() -> calls.forEach(Runnable::run), all, SETTLING_ROUND_NS);
      double nanos = (compiler.getTotalCompilationTime() - before) * 1e6;
      compiling.putDouble(0, nanos / (System.nanoTime() - began));
      all.allReduce(compiling, ElementType.FLOAT64);
      calm = compiling.getDouble(0) < REST ? calm + 1 : 0;
    }
  }

  /** The same for ranks of this JVM, a thread each. */
  public static void settle(List<Fabric> world, int seconds) throws InterruptedException {
    each(
        world,
        fabric -> {
          settle(fabric, seconds);
          return null;
        });
  }

  /**
   * Times one collective between ranks of this JVM, a thread each.
   *
   * @return the slowest rank's nanoseconds, one for each repetition
   */
  public static long[] time(Collective collective, List<Fabric> world, int bytes)
      throws InterruptedException {
    return each(world, fabric -> time(collective, fabric, bytes));
  }

  private static <T> T each(List<Fabric> world, Function<Fabric, T> part)
      throws InterruptedException {
    ExecutorService threads = Executors.newFixedThreadPool(world.size());
    try {
      List<Future<T>> ranks =
          world.stream().map(fabric -> threads.submit(() -> part.apply(fabric))).toList();
      T last = null;
      for (Future<T> rank : ranks) {
        last = rank.get();
      }
      return last;
    } catch (ExecutionException e) {
      throw new IllegalStateException("a rank of the benchmark failed", e.getCause());
    } finally {
      threads.shutdownNow();
    }
  }

  /**
   * One rank's part: all ranks of the world call it with the same arguments.
   *
   * @return the slowest rank's nanoseconds, one for each repetition; the same on every rank
   */
  public static long[] time(Collective collective, Fabric fabric, int bytes) {
    Communicator all = world(fabric);
    Runnable call = call(collective, fabric, all, bytes);
    int repetitions = repetitions(bytes);
    repeat(call, all, WARM_UP_NS);
    ByteBuffer own = ByteBuffer.allocateDirect(repetitions * Long.BYTES);
    for (int i = 0; i < repetitions; i++) {
      all.barrier();
      long start = System.nanoTime();
      call.run();
      own.putLong(i * Long.BYTES, System.nanoTime() - start);
    }
    ByteBuffer everybody = ByteBuffer.allocateDirect(own.capacity() * all.size());
    all.allGather(own, everybody);
    long[] slowest = new long[repetitions];
    for (int i = 0; i < repetitions * all.size(); i++) {
      long nanos = everybody.getLong(i * Long.BYTES);
      slowest[i % repetitions] = Math.max(slowest[i % repetitions], nanos);
    }
    return slowest;
  }

  private static Communicator world(Fabric fabric) {
    return new FabricCommunicator(fabric, IntStream.range(0, fabric.size()).toArray(), 0);
  }

  /** All ranks alike, until the first has had enough. */
  private static void repeat(Runnable call, Communicator all, long nanos) {
    long start = System.nanoTime();
    ByteBuffer again = ByteBuffer.allocateDirect(1);
    do {
      call.run();
      again.put(0, (byte) (System.nanoTime() - start < nanos ? 1 : 0));
      all.broadcast(again, 0);
    } while (again.get(0) != 0);
  }

  /** The line for timings that were made with {@link #time}. */
  public static Result result(
      Collective collective, String transport, int ranks, int bytes, long[] nanos) {
    long[] sorted = nanos.clone();
    Arrays.sort(sorted);
    long median = Math.max(1, sorted[sorted.length / 2]);
    return new Result(
        collective.label(),
        transport,
        ranks,
        bytes,
        median / 1e3,
        collective.busFactor(ranks) * bytes / median);
  }

  private static int repetitions(int bytes) {
    return (int) Math.max(FEWEST, Math.min(MOST, BYTES_EACH / Math.max(1, bytes)));
  }

  /** Does it once with the calling rank's part; for tests. */
  static Runnable call(Collective collective, Fabric fabric, Communicator all, int bytes) {
    int chunk = bytes / all.size() / Double.BYTES * Double.BYTES;
    ByteBuffer whole = ByteBuffer.allocateDirect(bytes);
    ByteBuffer chunks = whole.slice(0, chunk * all.size());
    ByteBuffer own = ByteBuffer.allocateDirect(chunk);
    return switch (collective) {
      case ALL_REDUCE -> () -> all.allReduce(whole, ElementType.FLOAT32);
      case REDUCE_SCATTER -> () -> all.reduceScatter(chunks, own, ElementType.FLOAT32);
      case ALL_GATHER -> () -> all.allGather(own, chunks);
      case HALO -> halo(fabric, bytes);
      case ALL_TO_ALL, BROADCAST, BARRIER ->
          throw new IllegalArgumentException(
              collective.label() + " is not measured; " + COLLECTIVES + " are");
    };
  }

  private static Runnable halo(Fabric fabric, int bytes) {
    int left = Math.floorMod(fabric.rank() - 1, fabric.size());
    int right = Math.floorMod(fabric.rank() + 1, fabric.size());
    ByteBuffer toLeft = ByteBuffer.allocateDirect(bytes / 2);
    ByteBuffer toRight = ByteBuffer.allocateDirect(bytes - bytes / 2);
    ByteBuffer fromLeft = ByteBuffer.allocateDirect(toRight.capacity());
    ByteBuffer fromRight = ByteBuffer.allocateDirect(toLeft.capacity());
    return () -> {
      if (left == fabric.rank()) {
        return;
      }
      List<Operation> operations =
          List.of(
              fabric.receive(left, TAG_HALO, fromLeft),
              fabric.receive(right, TAG_HALO + 1, fromRight),
              fabric.send(right, TAG_HALO, toRight),
              fabric.send(left, TAG_HALO + 1, toLeft));
      operations.forEach(fabric::await);
    };
  }
}
