package io.tandem.worker.fabric;

import io.aeron.Aeron;
import io.aeron.Subscription;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.status.SystemCounterDescriptor;
import io.aeron.logbuffer.ControlledFragmentHandler.Action;
import io.tandem.protocol.frame.Frame;
import io.tandem.protocol.mesh.Member;
import io.tandem.protocol.mesh.Roster;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.agrona.CloseHelper;
import org.agrona.DirectBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A worker's way to the ranks of other workers, for one attempt. One agent thread owns the
 * publications, the subscriptions and all state; ranks hand it work through a queue. Peers that
 * share this worker's media driver are reached over IPC, the others over UDP.
 */
final class AeronTransport implements Route, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AeronTransport.class);

  private static final long HELLO_NS = TimeUnit.SECONDS.toNanos(1);
  private static final long FIRST_HELLO_NS = TimeUnit.MILLISECONDS.toNanos(20);
  private static final long CLOSE_NS = TimeUnit.SECONDS.toNanos(1);

  /** After the last farewell the driver may need a moment to put it on the wire. */
  private static final long LINGER_NS = TimeUnit.MILLISECONDS.toNanos(20);

  private static final int FRAGMENTS = 32;
  private static final int EAGER_IDLES = 200;
  private static final long BUSY_PARK_NS = TimeUnit.MICROSECONDS.toNanos(50);
  private static final long IDLE_PARK_NS = TimeUnit.MILLISECONDS.toNanos(1);
  private static final int LONGEST_REASON = 512;

  private record FlowKey(int source, int destination, int tag) {}

  private final Roster roster;
  private final String workerId;
  private final FabricSettings settings;
  private final Departures departures;
  private final PeerLink.Identity identity;
  private final FrameCounts counts = new FrameCounts();
  private final Inbox inbox;
  private final List<AutoCloseable> resources = new ArrayList<>();
  private final List<Subscription> subscriptions = new ArrayList<>();
  private final Map<String, PeerLink> links = new LinkedHashMap<>();
  private final PeerLink[] linkOfRank;
  private final Map<FlowKey, Long> sequences = new HashMap<>();
  private final Queue<Runnable> commands = new ConcurrentLinkedQueue<>();
  private final Frame frame = new Frame();
  private final Thread agent;
  private Aeron aeron;
  private int idles;
  private long nextHelloNs;
  private long nextLookNs;
  private volatile boolean closing;
  private volatile String failure;
  private volatile List<PeerLink> missing = List.of();

  AeronTransport(
      Roster roster,
      String workerId,
      FabricSettings settings,
      Departures departures,
      Consumer<MediaDriver.Context> driverChange) {
    this.roster = roster;
    this.workerId = workerId;
    this.settings = settings;
    this.departures = departures;
    this.inbox = new Inbox(counts, settings.bufferBytes());
    this.linkOfRank = new PeerLink[roster.members().size()];
    Member self =
        roster.members().stream()
            .filter(m -> m.workerId().equals(workerId))
            .findFirst()
            .orElseThrow();
    this.identity = new PeerLink.Identity(roster.jobId().hashCode(), roster.attempt(), self.rank());
    try {
      open(self, driverChange);
    } catch (RuntimeException e) {
      closeResources();
      throw e;
    }
    agent = new Thread(this::run, "fabric-" + workerId + "-" + roster.attempt());
    agent.setDaemon(true);
    agent.start();
  }

  private void open(Member self, Consumer<MediaDriver.Context> driverChange) {
    Driver driver =
        settings.aeronDirectory() == null
            ? Driver.embedded(self.driver(), roster.attempt(), driverChange)
            : Driver.external(settings.aeronDirectory());
    resources.add(driver);
    aeron =
        Aeron.connect(
            new Aeron.Context()
                .aeronDirectoryName(driver.directory().toString())
                .errorHandler(this::onAeronError));
    resources.add(aeron);
    boolean overIpc = false;
    boolean overUdp = false;
    for (Member member : roster.members()) {
      if (member.workerId().equals(workerId)) {
        continue;
      }
      boolean ipc = member.driver().equals(self.driver());
      overIpc |= ipc;
      overUdp |= !ipc;
      PeerLink link = links.computeIfAbsent(member.workerId(), id -> link(member, ipc));
      link.ranks.add(member.rank());
      linkOfRank[member.rank()] = link;
    }
    missing = List.copyOf(links.values());
    int stream = stream(roster, workerId);
    if (overIpc) {
      subscriptions.add(aeron.addSubscription(Channels.ipc(), stream));
    }
    if (overUdp) {
      String channel = Channels.subscription(settings.bindHost(), settings.dataPort());
      subscriptions.add(aeron.addSubscription(channel, stream));
    }
  }

  private PeerLink link(Member member, boolean ipc) {
    String channel = ipc ? Channels.ipc() : Channels.publication(member.host(), member.port());
    return new PeerLink(
        member.workerId(),
        ipc ? "aeron:ipc" : member.host() + ":" + member.port(),
        aeron.addExclusivePublication(channel, stream(roster, member.workerId())),
        identity,
        counts);
  }

  /** Differs by receiver, so that workers share a driver, and by attempt, so that attempts do. */
  static int stream(Roster roster, String receiver) {
    return (roster.jobId() + '/' + roster.attempt() + '/' + receiver).hashCode();
  }

  private void onAeronError(Throwable error) {
    LOG.warn("Aeron client of {}: {}", workerId, error.toString());
  }

  /**
   * Waits until every peer has said hello and can be reached.
   *
   * @throws PeerLostException past the deadline; names those missing
   */
  void connect(Duration deadline) {
    long end = System.nanoTime() + deadline.toNanos();
    while (!missing.isEmpty()) {
      if (failure != null) {
        throw new IllegalStateException(failure);
      }
      if (System.nanoTime() - end > 0 || Thread.currentThread().isInterrupted()) {
        List<PeerLink> late = missing;
        String names =
            late.stream()
                .map(link -> link.workerId + " (ranks " + link.ranks + ", " + link.address + ")")
                .collect(Collectors.joining(", "));
        throw new PeerLostException(
            identity.firstRank(),
            late.isEmpty() ? identity.firstRank() : late.get(0).ranks.iterator().next(),
            String.format(
                "rank %d of worker %s waited %.1f s for the hello of %s",
                identity.firstRank(), workerId, deadline.toNanos() / 1e9, names));
      }
      LockSupport.parkNanos(IDLE_PARK_NS);
    }
  }

  FabricCounters counters() {
    long retransmits =
        aeron.isClosed()
            ? 0
            : aeron.countersReader().getCounterValue(SystemCounterDescriptor.RETRANSMITS_SENT.id());
    return counts.snapshot(retransmits);
  }

  @Override
  public void begin(Transfer transfer) {
    command(() -> take(transfer));
    // The agent ends by setting this and taking up what is in the queue: one of us sees the other.
    String ended = failure;
    if (ended != null) {
      transfer.lose(ended);
    }
  }

  @Override
  public void abort(int rank, String reason) {
    byte[] all = reason.getBytes(StandardCharsets.UTF_8);
    byte[] payload = Arrays.copyOf(all, Math.min(all.length, LONGEST_REASON));
    command(() -> links.values().forEach(link -> link.notice(Frame.Kind.ABORT, rank, payload)));
  }

  private void command(Runnable command) {
    commands.add(command);
    LockSupport.unpark(agent);
  }

  // Below, the agent's own.

  private void run() {
    try {
      while (!closing) {
        idle(work());
      }
      sayGoodbye();
    } catch (RuntimeException e) {
      LOG.error("the data plane of {} failed", workerId, e);
      failure = "the data plane of worker " + workerId + " failed: " + e;
    }
    String why = failure != null ? failure : "the data plane of this worker is closed";
    links.values().forEach(link -> lose(link, why));
    // Ranks may still hand in work until they learn of the end.
    failure = why;
    drain();
  }

  private void sayGoodbye() {
    links
        .values()
        .forEach(link -> link.notice(Frame.Kind.GOODBYE, identity.firstRank(), new byte[0]));
    long end = System.nanoTime() + CLOSE_NS;
    while (System.nanoTime() - end < 0 && !links.values().stream().allMatch(this::isOver)) {
      idle(work());
    }
    end = System.nanoTime() + LINGER_NS;
    while (System.nanoTime() - end < 0) {
      idle(work());
    }
  }

  private boolean isOver(PeerLink link) {
    return link.farewell || !link.reachable() || link.left && link.idle();
  }

  private int work() {
    int work = drain();
    for (PeerLink link : links.values()) {
      work += link.work();
    }
    for (Subscription subscription : subscriptions) {
      work += subscription.controlledPoll(this::onFragment, FRAGMENTS);
    }
    long now = System.nanoTime();
    if (now - nextHelloNs >= 0) {
      links.values().forEach(PeerLink::hello);
      nextHelloNs = now + (missing.isEmpty() ? HELLO_NS : FIRST_HELLO_NS);
    }
    if (now - nextLookNs >= 0) {
      look(now);
      nextLookNs = now + FIRST_HELLO_NS;
    }
    return work;
  }

  private int drain() {
    int work = 0;
    for (Runnable command = commands.poll(); command != null; command = commands.poll()) {
      command.run();
      work++;
    }
    return work;
  }

  private void idle(int work) {
    if (work > 0) {
      idles = 0;
      return;
    }
    boolean busy = inbox.waiting() > 0 || !links.values().stream().allMatch(PeerLink::idle);
    if (!busy) {
      LockSupport.parkNanos(IDLE_PARK_NS);
    } else if (++idles < EAGER_IDLES) {
      Thread.yield();
    } else {
      LockSupport.parkNanos(BUSY_PARK_NS);
    }
  }

  private void look(long now) {
    if (!missing.isEmpty()) {
      missing = missing.stream().filter(link -> !link.connected()).toList();
      return;
    }
    for (PeerLink link : links.values()) {
      if (!link.left && now - link.heardNs > settings.silence().toNanos()) {
        lose(
            link,
            String.format(
                "nothing was heard from worker %s for %.1f s",
                link.workerId, (now - link.heardNs) / 1e9));
      }
    }
  }

  private void take(Transfer transfer) {
    PeerLink link = linkOfRank[transfer.peer];
    if (transfer.isSend) {
      FlowKey flow = new FlowKey(transfer.rank, transfer.peer, transfer.tag);
      link.send(transfer, sequences.merge(flow, 1L, Long::sum) - 1);
    } else {
      inbox.receive(transfer);
    }
    if (failure != null) {
      lose(link, failure);
    } else if (link.left) {
      lose(link, left(link));
    }
  }

  private void lose(PeerLink link, String why) {
    link.lose(why);
    inbox.lose(link.ranks, why);
  }

  private static String left(PeerLink link) {
    return "worker " + link.workerId + " left the attempt";
  }

  private Action onFragment(
      DirectBuffer buffer, int offset, int length, io.aeron.logbuffer.Header header) {
    frame.wrap(buffer.byteBuffer(), buffer.wrapAdjustment() + offset, length);
    switch (frame.check()) {
      case TRUNCATED -> counts.truncated.incrementAndGet();
      case CORRUPT -> counts.corrupt.incrementAndGet();
      case FOREIGN -> counts.foreign.incrementAndGet();
      case WHOLE -> {
        return onWhole();
      }
    }
    return Action.CONTINUE;
  }

  private Action onWhole() {
    int source = frame.source();
    boolean known = source >= 0 && source < linkOfRank.length && linkOfRank[source] != null;
    if (frame.job() != identity.job() || !known) {
      counts.foreign.incrementAndGet();
      return Action.CONTINUE;
    }
    if (frame.attempt() != identity.attempt()) {
      counts.otherAttempt.incrementAndGet();
      return Action.CONTINUE;
    }
    PeerLink link = linkOfRank[source];
    link.heardNs = System.nanoTime();
    switch (frame.kind()) {
      case DATA -> {
        return onData();
      }
      case ABORT -> departures.abort(source, reason());
      case GOODBYE -> {
        link.left = true;
        link.notice(Frame.Kind.FAREWELL, identity.firstRank(), new byte[0]);
        lose(link, left(link));
      }
      case FAREWELL -> link.farewell = true;
      case HELLO -> {}
    }
    return Action.CONTINUE;
  }

  private Action onData() {
    int destination = frame.destination();
    boolean mine =
        destination >= 0 && destination < linkOfRank.length && linkOfRank[destination] == null;
    if (!mine) {
      counts.foreign.incrementAndGet();
      return Action.CONTINUE;
    }
    int payload = frame.payloadLength();
    if (!inbox.onData(frame)) {
      return Action.ABORT;
    }
    counts.framesReceived.incrementAndGet();
    counts.bytesReceived.addAndGet(payload);
    return Action.CONTINUE;
  }

  private String reason() {
    byte[] payload = new byte[frame.payloadLength()];
    frame.bytes().get(Frame.HEADER_LENGTH, payload);
    return new String(payload, StandardCharsets.UTF_8);
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
    closeResources();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void closeResources() {
    for (int i = resources.size() - 1; i >= 0; i--) {
      CloseHelper.close(resources.get(i));
    }
    resources.clear();
  }
}
