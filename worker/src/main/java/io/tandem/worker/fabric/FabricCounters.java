package io.tandem.worker.fabric;

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
 * @param disordered frames dropped because one before them is missing
 * @param bufferStalls times a sender was held up because too much lay unread
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
    long disordered,
    long bufferStalls) {
  /** Of a worker that has all ranks: nothing leaves it. */
  public static final FabricCounters NONE =
      new FabricCounters(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
}
