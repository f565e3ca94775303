package io.tandem.protocol.control;

import akka.serialization.SerializerWithStringManifest;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import java.io.NotSerializableException;
import java.util.Map;

/**
 * Carries the messages of {@code control.proto} between actor systems. The manifest is the
 * message's own name, so that another release of the program reads what it knows and refuses the
 * rest by name. Thread-safe.
 */
public final class ControlSerializer extends SerializerWithStringManifest {
  /** Bindings name this number in what goes over the wire; it never changes. */
  public static final int IDENTIFIER = 9201;

  private static final Map<String, Parser<? extends MessageLite>> PARSERS =
      Map.ofEntries(
          Map.entry("Register", Register.parser()),
          Map.entry("Heartbeat", Heartbeat.parser()),
          Map.entry("Reports", Reports.parser()),
          Map.entry("Registered", Registered.parser()),
          Map.entry("Refused", Refused.parser()),
          Map.entry("HeartbeatAck", HeartbeatAck.parser()),
          Map.entry("Acknowledged", Acknowledged.parser()),
          Map.entry("StartAttempt", StartAttempt.parser()),
          Map.entry("StopAttempt", StopAttempt.parser()),
          Map.entry("SubmitJob", SubmitJob.parser()),
          Map.entry("JobSubmitted", JobSubmitted.parser()),
          Map.entry("ActOnJob", ActOnJob.parser()),
          Map.entry("JobActed", JobActed.parser()),
          Map.entry("ViewCluster", ViewCluster.parser()),
          Map.entry("ClusterView", ClusterView.parser()));

  @Override
  public int identifier() {
    return IDENTIFIER;
  }

  @Override
  public String manifest(Object message) {
    String name = message.getClass().getSimpleName();
    if (!PARSERS.containsKey(name)) {
      throw new IllegalArgumentException(message.getClass().getName() + " is no control message");
    }
    return name;
  }

  @Override
  public byte[] toBinary(Object message) {
    return ((MessageLite) message).toByteArray();
  }

  @Override
  public Object fromBinary(byte[] bytes, String manifest) throws NotSerializableException {
    Parser<? extends MessageLite> parser = PARSERS.get(manifest);
    if (parser == null) {
      throw new NotSerializableException("unknown control message '" + manifest + "'");
    }
    try {
      return parser.parseFrom(bytes);
    } catch (InvalidProtocolBufferException e) {
      throw new NotSerializableException(manifest + " cannot be read: " + e.getMessage());
    }
  }
}
