package io.tandem.protocol.control;

import java.util.HashMap;
import java.util.Map;

/** Akka's remoting, as coordinators and workers alike set it up. */
public final class Remoting {
  private Remoting() {}

  /**
   * Settings for Akka.
   *
   * @param host under which this process is reached, and listens
   * @param port TCP; 0 takes a free one
   * @param certificates for mutual TLS, or null for none
   */
  public static Map<String, Object> settings(String host, int port, PeerCertificates certificates) {
    String artery = "akka.remote.artery.";
    Map<String, Object> values = new HashMap<>();
    values.put("akka.actor.allow-java-serialization", "off");
    values.put(artery + "transport", certificates == null ? "tcp" : "tls-tcp");
    values.put(artery + "canonical.hostname", host);
    values.put(artery + "canonical.port", port);
    values.put(artery + "bind.bind-timeout", "30s"); // a host that is very busy
    values.put(artery + "advanced.maximum-frame-size", "2 MiB");
    values.put("akka.coordinated-shutdown.run-by-jvm-shutdown-hook", "off");
    values.put("akka.jvm-shutdown-hooks", "off");
    if (certificates != null) {
      values.putAll(PeerTls.settings(certificates));
    }
    return values;
  }
}
