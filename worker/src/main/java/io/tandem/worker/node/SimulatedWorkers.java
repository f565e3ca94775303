package io.tandem.worker.node;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import io.tandem.worker.train.AttemptListener;
import io.tandem.worker.train.AttemptPlan;
import io.tandem.worker.train.AttemptRun;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Many workers that train nothing, for measuring a coordinator: what it hears of them comes from
 * the same actors, over the same connections and in the same messages as from real ones. They share
 * a few actor systems, and so a few connections. Thread-safe.
 */
public final class SimulatedWorkers implements AutoCloseable {
  private static final String HOST = "127.0.0.1";
  private static final int FIRST_PORT = 1024; // nothing is ever sent there

  /**
   * How they behave.
   *
   * @param workers how many, of one slot each
   * @param systems the actor systems that they share
   * @param attempt how long an attempt trains
   * @param progress how often an attempt says how far it is
   */
  public record Behaviour(int workers, int systems, Duration attempt, Duration progress) {}

  /** Hears of every attempt that a worker is told to start; called from the workers' threads. */
  public interface Listener {
    /**
     * A worker was told.
     *
     * @param freeNanos since when its slot was free, by {@link System#nanoTime}
     * @param toldNanos when it was told
     */
    void told(String workerId, String jobId, long freeNanos, long toldNanos);
  }

  private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(2);
  private final List<ActorSystem<Void>> systems = new ArrayList<>();
  private final AtomicLong ended = new AtomicLong();

  private SimulatedWorkers() {}

  /** Starts them; they register in the background. */
  public static SimulatedWorkers start(
      InetSocketAddress coordinator, Behaviour behaviour, Listener listener) {
    SimulatedWorkers all = new SimulatedWorkers();
    try {
      for (int system = 0; system < behaviour.systems(); system++) {
        all.systems.add(all.system(coordinator, behaviour, listener, system));
      }
      return all;
    } catch (RuntimeException e) {
      all.close();
      throw e;
    }
  }

  private ActorSystem<Void> system(
      InetSocketAddress coordinator, Behaviour behaviour, Listener listener, int system) {
    WorkerSettings settings =
        WorkerSettings.local(List.of(coordinator), 1, HOST, Path.of("simulated"), 1);
    return WorkerNode.system(
        Behaviors.setup(
            context -> {
              for (int i = system; i < behaviour.workers(); i += behaviour.systems()) {
                String workerId = "simulated-%05d".formatted(i);
                WorkerSettings own = settings.withDataPort(FIRST_PORT + i);
                context.spawn(
                    WorkerActor.create(
                        own,
                        WorkerNode.registration(own, workerId),
                        starter(workerId, behaviour, listener),
                        new ClusterClock(),
                        new Readiness(),
                        new CompletableFuture<>()),
                    workerId);
              }
              return Behaviors.empty();
            }),
        settings);
  }

  private AttemptRun.Starter starter(String workerId, Behaviour behaviour, Listener listener) {
    AtomicLong free = new AtomicLong(System.nanoTime());
    return (AttemptPlan plan, AttemptListener attempt) -> {
      listener.told(workerId, plan.roster().jobId(), free.get(), System.nanoTime());
      Runnable over =
          () -> {
            free.set(System.nanoTime());
            ended.incrementAndGet();
          };
      return new SimulatedRun(
          plan, attempt, behaviour.attempt(), behaviour.progress(), timer, over);
    };
  }

  /** Attempts that have ended so far. */
  public long ended() {
    return ended.get();
  }

  /** Ends them as a loss of power would. */
  @Override
  public void close() {
    systems.forEach(ActorSystem::terminate);
    systems.forEach(
        system ->
            system
                .getWhenTerminated()
                .toCompletableFuture()
                .orTimeout(30, TimeUnit.SECONDS)
                .join());
    timer.shutdownNow();
  }
}
