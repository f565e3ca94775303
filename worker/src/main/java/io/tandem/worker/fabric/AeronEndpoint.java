package io.tandem.worker.fabric;

import io.aeron.Aeron;
import io.aeron.AeronCounters;
import io.aeron.ExclusivePublication;
import io.aeron.Subscription;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.status.StreamCounter;
import io.aeron.driver.status.SystemCounterDescriptor;
import io.tandem.protocol.mesh.Member;
import io.tandem.protocol.mesh.Roster;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.agrona.CloseHelper;
import org.agrona.concurrent.status.CountersReader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a worker has of Aeron in one attempt: the media driver, the client, what it subscribes to.
 * Peers that share this worker's media driver are reached over IPC, the others over UDP.
 */
final class AeronEndpoint implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AeronEndpoint.class);

  private final Roster roster;
  private final Member self;
  final Aeron aeron;
  private final List<Subscription> subscriptions = new ArrayList<>();
  private final List<AutoCloseable> resources = new ArrayList<>();
  private final long retransmitsBefore;

  /**
   * @param self any rank of this worker
   * @param driverChange applied to a new embedded driver's settings, for tests
   */
  AeronEndpoint(
      Roster roster,
      Member self,
      FabricSettings settings,
      Consumer<MediaDriver.Context> driverChange) {
    this.roster = roster;
    this.self = self;
    try {
      Driver driver =
          settings.aeronDirectory() == null
              ? Driver.embedded(self.driver(), roster.attempt(), driverChange)
              : Driver.external(settings.aeronDirectory());
      resources.add(driver);
      aeron = Aeron.connect(context(driver));
      resources.add(aeron);
      retransmitsBefore = driverRetransmits();
      subscribe(settings);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private Aeron.Context context(Driver driver) {
    return new Aeron.Context()
        .aeronDirectoryName(driver.directory().toString())
        .errorHandler(
            error -> LOG.warn("Aeron client of {}: {}", self.workerId(), error.toString()));
  }

  private void subscribe(FabricSettings settings) {
    List<Transport> used =
        roster.members().stream()
            .filter(member -> !member.workerId().equals(self.workerId()))
            .map(this::transport)
            .distinct()
            .toList();
    int stream = stream(roster, self.workerId());
    if (used.contains(Transport.IPC)) {
      subscriptions.add(aeron.addSubscription(Channels.ipc(), stream));
    }
    if (used.contains(Transport.UDP)) {
      String channel = Channels.subscription(settings.bindHost(), settings.dataPort());
      subscriptions.add(aeron.addSubscription(channel, stream));
    }
  }

  /** Differs by receiver, so that workers share a driver, and by attempt, so that attempts do. */
  static int stream(Roster roster, String receiver) {
    return (roster.jobId() + '/' + roster.attempt() + '/' + receiver).hashCode();
  }

  /** How a rank of another worker is reached. */
  Transport transport(Member peer) {
    return peer.driver().equals(self.driver()) ? Transport.IPC : Transport.UDP;
  }

  /** A new publication to the peer's worker. */
  ExclusivePublication publication(Member peer) {
    String channel =
        transport(peer) == Transport.IPC
            ? Channels.ipc()
            : Channels.publication(peer.host(), peer.port());
    return aeron.addExclusivePublication(channel, stream(roster, peer.workerId()));
  }

  List<Subscription> subscriptions() {
    return subscriptions;
  }

  /** Retransmissions that the media driver has sent since this was made. */
  long retransmits() {
    return driverRetransmits() - retransmitsBefore;
  }

  /**
   * By registration of a publication, the retransmissions that its receiver asked for; those over
   * IPC have none. Of counters that are gone nothing is known any more.
   */
  Map<Long, Long> retransmitsByPublication() {
    Map<Long, Long> asked = new HashMap<>();
    CountersReader counters = aeron.countersReader();
    counters.forEach(
        (id, type, key, label) -> {
          if (type == AeronCounters.DRIVER_SENDER_NAKS_RECEIVED_TYPE_ID) {
            long registration = key.getLong(StreamCounter.REGISTRATION_ID_OFFSET);
            asked.put(registration, counters.getCounterValue(id));
          }
        });
    return asked;
  }

  private long driverRetransmits() {
    return aeron.countersReader().getCounterValue(SystemCounterDescriptor.RETRANSMITS_SENT.id());
  }

  @Override
  public void close() {
    Collections.reverse(resources);
    List<AutoCloseable> all = List.copyOf(resources);
    resources.clear();
    CloseHelper.closeAll(all); // each of them, whatever another throws
  }
}
