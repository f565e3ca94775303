package io.tandem.protocol.control;

import akka.actor.ActorSystem;
import akka.remote.artery.tcp.SSLEngineProvider;
import akka.remote.artery.tcp.ssl.PeerSubjectVerifier;
import com.typesafe.config.Config;
import io.tandem.protocol.tls.CertificateText;
import io.tandem.protocol.tls.ExplainedTrust;
import io.tandem.protocol.tls.PemFiles;
import io.tandem.protocol.tls.Reminder;
import io.tandem.protocol.tls.Renewed;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.TrustManager;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Option;

/**
 * Mutual TLS of Akka's remoting by {@link PeerCertificates}; changed files are used for the next
 * connection. Who is refused is written down with the reason. Made by Akka from its class name.
 */
public final class PeerTls implements SSLEngineProvider {
  private static final Logger LOG = LoggerFactory.getLogger(PeerTls.class);
  private static final String CONFIG = "tandem.peer-tls.";

  // Akka's streams and the probe both learn within the handshake that they are refused.
  private static final String PROTOCOL = "TLSv1.2";
  private static final String[] CIPHERS = {
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
  };

  private static final int SESSION_SECONDS = 300;

  /** So that strangers cannot fill the log. */
  private static final long APART_NS = Duration.ofSeconds(5).toNanos();

  /** What is made of the files. */
  record Identity(X509Certificate certificate, SSLContext context, PeerSubjectVerifier names) {}

  private final Renewed<Identity> identity;
  private final Reminder reminder =
      new Reminder("the control plane's certificate", InstantSource.system(), System::nanoTime);
  private boolean told;
  private long toldNs;

  public PeerTls(ActorSystem system) {
    this(files(system.settings().config()));
  }

  PeerTls(PeerCertificates files) {
    this.identity =
        new Renewed<>(
            List.of(files.certificate(), files.key(), files.authority()),
            () -> identity(files, this::refused),
            System::nanoTime);
  }

  /** Settings that make Akka take this class. */
  static Map<String, Object> settings(PeerCertificates files) {
    return Map.of(
        "akka.remote.artery.ssl.ssl-engine-provider",
        PeerTls.class.getName(),
        CONFIG + "certificate",
        files.certificate().toAbsolutePath().toString(),
        CONFIG + "key",
        files.key().toAbsolutePath().toString(),
        CONFIG + "authority",
        files.authority().toAbsolutePath().toString());
  }

  private static PeerCertificates files(Config config) {
    return new PeerCertificates(
        Path.of(config.getString(CONFIG + "certificate")),
        Path.of(config.getString(CONFIG + "key")),
        Path.of(config.getString(CONFIG + "authority")));
  }

  /**
   * As the files are now.
   *
   * @throws IllegalArgumentException where they are wrong
   */
  static Identity identity(PeerCertificates files, ExplainedTrust.Listener listener) {
    X509Certificate own = PemFiles.certificates(files.certificate()).get(0);
    try {
      SSLContext context = SSLContext.getInstance(PROTOCOL);
      context.init(
          PemFiles.keyManagers(files.certificate(), files.key()),
          new TrustManager[] {trust(files, listener)},
          null);
      // A session that is taken up again is not looked at again: soon it must not be.
      context.getServerSessionContext().setSessionTimeout(SESSION_SECONDS);
      context.getClientSessionContext().setSessionTimeout(SESSION_SECONDS);
      return new Identity(own, context, new PeerSubjectVerifier(own));
    } catch (GeneralSecurityException e) {
      throw new IllegalArgumentException("this Java has no " + PROTOCOL + ": " + e, e);
    }
  }

  static ExplainedTrust trust(PeerCertificates files, ExplainedTrust.Listener listener) {
    String advice =
        "its authority must be one of those in "
            + files.authority()
            + " (--control-authority), the same ones in all of a cluster's processes";
    return new ExplainedTrust(
        PemFiles.trust(files.authority()), advice, InstantSource.system(), listener);
  }

  private void refused(String why) {
    if (isTime()) {
      LOG.error("a peer of the control plane is refused: {}", why);
    }
  }

  private synchronized boolean isTime() {
    long now = System.nanoTime();
    boolean time = !told || now - toldNs >= APART_NS;
    if (time) {
      told = true;
      toldNs = now;
    }
    return time;
  }

  @Override
  public SSLEngine createServerSSLEngine(String host, int port) {
    SSLEngine engine = engine(host, port);
    engine.setUseClientMode(false);
    engine.setNeedClientAuth(true);
    return engine;
  }

  @Override
  public SSLEngine createClientSSLEngine(String host, int port) {
    SSLEngine engine = engine(host, port);
    engine.setUseClientMode(true);
    return engine;
  }

  private SSLEngine engine(String host, int port) {
    Identity now = identity.get();
    reminder.used(now.certificate());
    SSLEngine engine = now.context().createSSLEngine(host, port);
    engine.setEnabledProtocols(new String[] {PROTOCOL});
    engine.setEnabledCipherSuites(CIPHERS.clone());
    return engine;
  }

  @Override
  public Option<Throwable> verifyClientSession(String host, SSLSession session) {
    return told(session, identity.get().names().verifyClientSession(host, session));
  }

  @Override
  public Option<Throwable> verifyServerSession(String host, SSLSession session) {
    return told(session, identity.get().names().verifyServerSession(host, session));
  }

  private Option<Throwable> told(SSLSession session, Option<Throwable> trouble) {
    if (trouble.isDefined()) {
      refused(strangeNames(identity.get(), session));
    }
    return trouble;
  }

  /** What is wrong when no name is in common. */
  static String strangeNames(Identity own, SSLSession session) {
    String peer;
    try {
      peer = CertificateText.of((X509Certificate) session.getPeerCertificates()[0]);
    } catch (SSLPeerUnverifiedException e) {
      peer = "no certificate";
    }
    return "%s bears no name that stands in %s: all of a cluster's certificates need one in common"
        .formatted(peer, CertificateText.of(own.certificate()));
  }
}
