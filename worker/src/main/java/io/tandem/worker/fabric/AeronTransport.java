package io.tandem.worker.fabric;

import io.aeron.driver.MediaDriver;
import io.aeron.exceptions.AeronException;
import io.tandem.protocol.mesh.Member;
import io.tandem.protocol.mesh.Roster;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A worker's way to the ranks of other workers, for one attempt.
 *
 * <p>All that moves belongs to the {@link FramePump}, which one thread at a time may use: the one
 * that has the <em>turn</em>. A rank that waits takes the turn and moves its own frames, so that on
 * the way from one computing thread to another no third one must be woken. For ranks that compute,
 * or have waited for long, an agent thread takes it. Nobody waits for the turn but the agent:
 * others leave their work in a queue, which whoever has the turn takes up.
 */
final class AeronTransport implements Route, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AeronTransport.class);
  private static final long CLOSE_NS = TimeUnit.SECONDS.toNanos(1);

  /** After the last farewell the driver may need a moment to put it on the wire. */
  private static final long LINGER_NS = TimeUnit.MILLISECONDS.toNanos(20);

  private static final int EAGER_IDLES = 200;
  private static final long BUSY_PARK_NS = TimeUnit.MICROSECONDS.toNanos(50);
  private static final long IDLE_PARK_NS = TimeUnit.MILLISECONDS.toNanos(1);

  private final Roster roster;
  private final Member self;
  private final FrameCounts counts = new FrameCounts();
  final AeronEndpoint endpoint;
  private final FramePump pump;
  private final ReentrantLock turn = new ReentrantLock();
  private final Queue<Runnable> commands = new ConcurrentLinkedQueue<>();
  private final AtomicInteger helpers = new AtomicInteger();
  private final Thread agent;
  private boolean open = true;
  private long retransmits;
  private List<FabricCounters.Stream> streams = List.of();
  private int idles;
  private volatile boolean busy;
  private volatile boolean closing;
  private volatile String ended;
  private volatile List<PeerLink> missing;

  AeronTransport(
      Roster roster,
      Member self,
      FabricSettings settings,
      Departures departures,
      Consumer<MediaDriver.Context> driverChange) {
    this.roster = roster;
    this.self = self;
    this.endpoint = new AeronEndpoint(roster, self, settings, driverChange);
    try {
      this.pump = new FramePump(roster, self, endpoint, settings, departures, counts);
    } catch (RuntimeException e) {
      endpoint.close();
      throw e;
    }
    this.missing = pump.missing();
    agent = new Thread(this::run, "fabric-" + self.workerId() + "-" + roster.attempt());
    agent.setDaemon(true);
    agent.start();
  }

  /**
   * Waits until every peer has said hello and can be reached.
   *
   * @throws PeerLostException past the deadline, or when it is given up; names those missing
   */
  void connect(Duration deadline, BooleanSupplier givenUp) {
    long began = System.nanoTime();
    while (!missing.isEmpty()) {
      if (ended != null) {
        throw new IllegalStateException(ended);
      }
      long waited = System.nanoTime() - began;
      boolean interrupted = Thread.currentThread().isInterrupted();
      if (waited > deadline.toNanos() || interrupted || givenUp.getAsBoolean()) {
        List<PeerLink> late = missing;
        String names =
            late.stream()
                .map(link -> link.workerId + " (ranks " + link.ranks + ", " + link.address + ")")
                .collect(Collectors.joining(", "));
        throw new PeerLostException(
            self.rank(),
            late.isEmpty() ? self.rank() : late.get(0).ranks.iterator().next(),
            waited,
            String.format(
                "rank %d of worker %s waited %.1f s for the hello of %s",
                self.rank(), self.workerId(), waited / 1e9, names));
      }
      LockSupport.parkNanos(IDLE_PARK_NS);
    }
  }

  FabricCounters counters() {
    turn.lock();
    try {
      count();
      return counts.snapshot(retransmits, streams);
    } finally {
      turn.unlock();
    }
  }

  /**
   * Asks what Aeron has counted, unless its client is closed and the counters' memory gone, as it
   * is after {@link #close}, and after this process stood still for 10 s: Aeron ends such a client
   * by itself. What was counted before then stays.
   */
  private void count() {
    if (!open) {
      return;
    }
    try {
      retransmits = endpoint.retransmits();
      streams = pump.streams(endpoint.retransmitsByPublication());
    } catch (AeronException e) {
      LOG.debug("Aeron's counters of {} are gone", self.workerId(), e);
    }
  }

  @Override
  public Transport transport(int peer) {
    return endpoint.transport(roster.members().get(peer));
  }

  @Override
  public void begin(Transfer transfer) {
    command(() -> pump.take(transfer));
    // The agent ends by setting this and taking up what is in the queue: one of us sees the other.
    String why = ended;
    if (why != null) {
      transfer.lose(why);
    }
  }

  @Override
  public void abort(int rank, String reason) {
    command(() -> pump.peers().abort(rank, reason));
    LockSupport.unpark(agent);
  }

  /**
   * Does at once what can be done. The agent is not woken for the rest: the rank soon waits for it,
   * and then moves it itself; where it computes first, the agent finds it within {@link
   * #IDLE_PARK_NS}. To wake a thread for each message would cost more than the message.
   */
  private void command(Runnable command) {
    commands.add(command);
    tryTurn();
  }

  @Override
  public void help(Transfer transfer, long patienceNs) {
    helpers.incrementAndGet();
    // Over UDP this worker's media driver must have a core to bring what is waited for.
    int spins = transport(transfer.peer) == Transport.IPC ? SPINS : 0;
    transfer.spin(spins, patienceNs, this::tryTurn);
    helpers.decrementAndGet();
    if (transfer.isPending()) {
      LockSupport.unpark(agent);
    }
  }

  /** Takes the turn if nobody has it; whether anything moved. */
  private boolean tryTurn() {
    if (!turn.tryLock()) {
      return false;
    }
    try {
      return work() > 0;
    } finally {
      turn.unlock();
    }
  }

  private int takeTurn() {
    turn.lock();
    try {
      return work();
    } finally {
      turn.unlock();
    }
  }

  /** One turn. A failure ends the data plane for good; the agent goes on ending what comes. */
  private int work() {
    int work = 0;
    try {
      for (Runnable command = commands.poll(); command != null; command = commands.poll()) {
        command.run();
        work++;
      }
      work += pump.work();
    } catch (RuntimeException | Error e) {
      LOG.error("the data plane of {} failed", self.workerId(), e);
      ended = "the data plane of worker " + self.workerId() + " failed: " + e;
      pump.end(ended);
    }
    busy = pump.busy();
    missing = pump.missing();
    return work;
  }

  private void run() {
    while (!closing) {
      idle(takeTurn());
    }
    if (ended == null) {
      sayGoodbye();
    }
    turn.lock();
    try {
      ended = ended != null ? ended : "the data plane of this worker is closed";
      pump.end(ended);
      work();
    } finally {
      turn.unlock();
    }
  }

  private void sayGoodbye() {
    commands.add(pump.peers()::sayGoodbye);
    takeTurn();
    long end = System.nanoTime() + CLOSE_NS;
    while (System.nanoTime() - end < 0 && !goodbyeHeard()) {
      idle(takeTurn());
    }
    end = System.nanoTime() + LINGER_NS;
    while (System.nanoTime() - end < 0) {
      idle(takeTurn());
    }
  }

  private boolean goodbyeHeard() {
    turn.lock();
    try {
      return pump.peers().goodbyeHeard();
    } finally {
      turn.unlock();
    }
  }

  private void idle(int work) {
    if (helpers.get() > 0 || work == 0 && !busy) {
      LockSupport.parkNanos(IDLE_PARK_NS);
    } else if (work > 0) {
      idles = 0;
    } else if (++idles < EAGER_IDLES) {
      Thread.yield();
    } else {
      LockSupport.parkNanos(BUSY_PARK_NS);
    }
  }

  /** Lets peers have what was sent, for a second at most, and gives everything back. */
  @Override
  public void close() {
    closing = true;
    LockSupport.unpark(agent);
    boolean interrupted = false;
    while (agent.isAlive()) {
      try {
        agent.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    turn.lock();
    try {
      count();
      open = false;
      endpoint.close();
    } finally {
      turn.unlock();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
