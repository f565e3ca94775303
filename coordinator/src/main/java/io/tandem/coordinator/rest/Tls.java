package io.tandem.coordinator.rest;

import akka.pki.pem.DERPrivateKeyLoader;
import akka.pki.pem.PEMDecoder;
import akka.pki.pem.PEMLoadingException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.List;
import java.util.function.LongSupplier;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server's certificate, from PEM files: a chain, and its private key (PKCS #8 or #1). Files
 * that change are read again for new connections, so that a renewed certificate needs no restart;
 * where they are wrong that is reported, and the last good ones stay. Thread-safe.
 */
final class Tls {
  private static final Logger LOG = LoggerFactory.getLogger(Tls.class);
  private static final long LOOK_NS = Duration.ofSeconds(1).toNanos();
  private static final char[] NO_PASSWORD = new char[0];
  private static final byte[] PROBE = {1, 2, 3};

  private final Path certificate;
  private final Path key;
  private final LongSupplier clock;
  private List<FileTime> modified;
  private SSLContext context;
  private long lookedNs;

  /**
   * Reads the files.
   *
   * @throws IllegalArgumentException where one is missing or wrong, or the key is another's
   */
  Tls(Path certificate, Path key) {
    this(certificate, key, System::nanoTime);
  }

  Tls(Path certificate, Path key, LongSupplier clock) {
    this.certificate = certificate;
    this.key = key;
    this.clock = clock;
    this.modified = modified();
    this.context = read();
    this.lookedNs = clock.getAsLong();
  }

  /** For a new connection. */
  SSLEngine engine() {
    SSLEngine engine = current().createSSLEngine();
    engine.setUseClientMode(false);
    engine.setEnabledProtocols(new String[] {"TLSv1.3", "TLSv1.2"});
    return engine;
  }

  private synchronized SSLContext current() {
    if (clock.getAsLong() - lookedNs >= LOOK_NS) {
      lookedNs = clock.getAsLong();
      try {
        List<FileTime> now = modified();
        if (!now.equals(modified)) {
          context = read();
          modified = now;
          LOG.info("read the certificate {} again", certificate);
        }
      } catch (IllegalArgumentException e) {
        // One of the two may be written already and the other not yet: looked at again.
        LOG.error("the last good certificate stays in use: {}", e.getMessage());
      }
    }
    return context;
  }

  private List<FileTime> modified() {
    try {
      return List.of(Files.getLastModifiedTime(certificate), Files.getLastModifiedTime(key));
    } catch (IOException e) {
      throw new IllegalArgumentException("a file of the certificate is missing: " + e, e);
    }
  }

  private SSLContext read() {
    try {
      Certificate[] chain =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(Files.readAllBytes(certificate)))
              .toArray(Certificate[]::new);
      if (chain.length == 0) {
        throw new IllegalArgumentException(certificate + " holds no certificate in PEM");
      }
      PrivateKey secret =
          privateKey(PEMDecoder.decode(Files.readString(key, StandardCharsets.US_ASCII)));
      refuseAnothers(secret, chain[0]);
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, NO_PASSWORD);
      store.setKeyEntry("server", secret, NO_PASSWORD, chain);
      KeyManagerFactory managers =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      managers.init(store, NO_PASSWORD);
      SSLContext made = SSLContext.getInstance("TLS");
      made.init(managers.getKeyManagers(), null, null);
      return made;
    } catch (IOException | GeneralSecurityException | PEMLoadingException e) {
      throw new IllegalArgumentException(
          "no server certificate can be made of "
              + certificate
              + " and "
              + key
              + ": PEM files of a certificate chain and its private key are needed ("
              + e.getMessage()
              + ")",
          e);
    }
  }

  /** Akka's own loader knows RSA only. */
  private static PrivateKey privateKey(PEMDecoder.DERData pem)
      throws GeneralSecurityException, PEMLoadingException {
    if (!pem.label().equals("PRIVATE KEY")) {
      return DERPrivateKeyLoader.load(pem);
    }
    InvalidKeySpecException last = null;
    for (String algorithm : List.of("RSA", "EC", "Ed25519")) {
      try {
        return KeyFactory.getInstance(algorithm)
            .generatePrivate(new PKCS8EncodedKeySpec(pem.bytes()));
      } catch (InvalidKeySpecException e) {
        last = e;
      }
    }
    throw last;
  }

  /** What the key signs, the certificate must verify. */
  private void refuseAnothers(PrivateKey secret, Certificate first)
      throws GeneralSecurityException {
    String algorithm =
        switch (secret.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> secret.getAlgorithm();
        };
    boolean same = secret.getAlgorithm().equals(first.getPublicKey().getAlgorithm());
    if (same) {
      Signature signature = Signature.getInstance(algorithm);
      signature.initSign(secret);
      signature.update(PROBE);
      byte[] signed = signature.sign();
      signature.initVerify(first);
      signature.update(PROBE);
      same = signature.verify(signed);
    }
    if (!same) {
      throw new IllegalArgumentException(key + " is not the key of " + certificate);
    }
  }
}
