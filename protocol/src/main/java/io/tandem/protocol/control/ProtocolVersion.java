package io.tandem.protocol.control;

/** The version that {@link Register#getProtocolVersion()} carries; both sides must be equal. */
public final class ProtocolVersion {
  /** Raised by one whenever a message changes its meaning. */
  public static final int PROTOCOL_VERSION = 2;

  private ProtocolVersion() {}
}
