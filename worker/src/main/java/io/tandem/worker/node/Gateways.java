package io.tandem.worker.node;

import akka.actor.ActorSelection;
import akka.actor.ActorSystem;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The coordinators' gateways, one of which is spoken to. A name is tried as it is written, since a
 * coordinator listens to the name that it was given, and then as each address that it has now. Not
 * thread-safe: the actor's own.
 */
final class Gateways {
  private static final Logger LOG = LoggerFactory.getLogger(Gateways.class);

  private final ActorSystem system;
  private final List<InetSocketAddress> given;
  private List<InetSocketAddress> round = List.of();
  private int next;
  private InetSocketAddress current;
  private ActorSelection gateway;

  /** {@code given} are unresolved. */
  Gateways(ActorSystem system, List<InetSocketAddress> given) {
    this.system = system;
    this.given = given;
    advance();
  }

  /** Goes on to the next; names are looked up anew every time all were tried. */
  void advance() {
    if (next == round.size()) {
      round = candidates(given);
      next = 0;
    }
    speakTo(round.get(next++));
  }

  private void speakTo(InetSocketAddress address) {
    current = address;
    gateway = system.actorSelection("akka://tandem@%s/user/gateway".formatted(current()));
  }

  /**
   * Goes back to the one that has answered, where that came late; nothing happens when it is none
   * of these.
   */
  void answered(String name) {
    if (!name.equals(current())) {
      round.stream()
          .filter(address -> name.equals(name(address)))
          .findFirst()
          .ifPresent(this::speakTo);
    }
  }

  /** Whom {@link #tell} speaks to, as {@code HOST:PORT}. */
  String current() {
    return name(current);
  }

  private static String name(InetSocketAddress address) {
    String host = address.getHostString();
    String written = host.contains(":") ? "[" + host + "]" : host; // IPv6
    return written + ":" + address.getPort();
  }

  void tell(Object message) {
    gateway.tell(message, akka.actor.ActorRef.noSender());
  }

  static List<InetSocketAddress> candidates(List<InetSocketAddress> given) {
    Set<InetSocketAddress> all = new LinkedHashSet<>(given);
    for (InetSocketAddress address : given) {
      try {
        for (InetAddress found : InetAddress.getAllByName(address.getHostString())) {
          all.add(InetSocketAddress.createUnresolved(found.getHostAddress(), address.getPort()));
        }
      } catch (UnknownHostException e) {
        LOG.debug("{} has no address now", address.getHostString());
      }
    }
    return new ArrayList<>(all);
  }
}
