package io.tandem.worker.fabric;

import java.util.List;

/**
 * What a worker's data plane has counted so far.
 *
 * @param framesSent frames given to Aeron
 * @param framesReceived whole frames of this attempt
 * @param bytesSent payload
 * @param bytesReceived payload
 * @param backPressuredIpc offers over IPC that Aeron refused for the time being
 * @param backPressuredUdp the same over UDP
 * @param retransmits of the media driver, which other attempts may share
 * @param truncated frames dropped because they were short
 * @param corrupt frames dropped because their checksum or a field was wrong
 * @param foreign frames dropped because they belong to another job or protocol
 * @param otherAttempt frames dropped because they belong to another attempt
 * @param unauthentic frames dropped because they were not encrypted with the attempt's key, or came
 *     before
 * @param disordered frames dropped because one before them is missing
 * @param bufferStalls times a sender was held up because too much lay unread
 * @param streams of the counts above, those of each stream to another worker
 */
public record FabricCounters(
    long framesSent,
    long framesReceived,
    long bytesSent,
    long bytesReceived,
    long backPressuredIpc,
    long backPressuredUdp,
    long retransmits,
    long truncated,
    long corrupt,
    long foreign,
    long otherAttempt,
    long unauthentic,
    long disordered,
    long bufferStalls,
    List<Stream> streams) {
  /**
   * To one other worker.
   *
   * @param rank the first that this worker hosts
   * @param peer the first that the other worker hosts
   * @param backPressured offers that Aeron refused for the time being
   * @param retransmits asked for by the other worker (NAKs)
   */
  public record Stream(
      int rank, int peer, Transport transport, long backPressured, long retransmits) {}

  /** Of a worker that has all ranks: nothing leaves it. */
  public static final FabricCounters NONE =
      new FabricCounters(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, List.of());

  public FabricCounters {
    streams = List.copyOf(streams);
  }
}
