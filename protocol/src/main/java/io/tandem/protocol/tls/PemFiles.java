package io.tandem.protocol.tls;

import akka.pki.pem.DERPrivateKeyLoader;
import akka.pki.pem.PEMDecoder;
import akka.pki.pem.PEMLoadingException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Reads certificates and keys. Every method throws {@link IllegalArgumentException} that names the
 * file, what is wrong with it and what is needed.
 */
public final class PemFiles {
  private static final char[] NO_PASSWORD = new char[0];
  private static final byte[] PROBE = {1, 2, 3};

  private PemFiles() {}

  /** A chain, or several authorities: as many as the file holds, at least one. */
  public static List<X509Certificate> certificates(Path file) {
    try {
      List<X509Certificate> found =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(bytes(file)))
              .stream()
              .map(X509Certificate.class::cast)
              .toList();
      if (found.isEmpty()) {
        throw new IllegalArgumentException(file + " holds no certificate in PEM");
      }
      return found;
    } catch (CertificateException e) {
      throw new IllegalArgumentException(
          file + " holds no certificate in PEM: " + e.getMessage(), e);
    }
  }

  /** A private key, RSA, EC or Ed25519, PKCS #8 or #1 without a password. */
  public static PrivateKey key(Path file) {
    try {
      PEMDecoder.DERData pem =
          PEMDecoder.decode(new String(bytes(file), StandardCharsets.US_ASCII));
      // Akka's own loader knows RSA only.
      return pem.label().equals("PRIVATE KEY")
          ? privateKey(pem.bytes())
          : DERPrivateKeyLoader.load(pem);
    } catch (GeneralSecurityException | PEMLoadingException e) {
      throw new IllegalArgumentException(
          file + " holds no private key in PEM without a password: " + e.getMessage(), e);
    }
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException(file + " is missing", e);
    } catch (IOException e) {
      throw new IllegalArgumentException(file + " cannot be read: " + e, e);
    }
  }

  private static PrivateKey privateKey(byte[] pkcs8) throws GeneralSecurityException {
    InvalidKeySpecException last = null;
    for (String algorithm : List.of("RSA", "EC", "Ed25519")) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
      } catch (InvalidKeySpecException e) {
        last = e;
      }
    }
    throw last;
  }

  /** What servers show, and clients of servers that ask for it; refuses a key that is another's. */
  public static KeyManager[] keyManagers(Path certificate, Path key) {
    List<X509Certificate> chain = certificates(certificate);
    PrivateKey secret = key(key);
    try {
      if (!isPair(secret, chain.get(0))) {
        throw new IllegalArgumentException(key + " is not the key of " + certificate);
      }
      KeyStore store = store();
      store.setKeyEntry("own", secret, NO_PASSWORD, chain.toArray(X509Certificate[]::new));
      KeyManagerFactory managers =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      managers.init(store, NO_PASSWORD);
      return managers.getKeyManagers();
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalArgumentException(
          "no TLS can be made of " + certificate + " and " + key + ": " + e.getMessage(), e);
    }
  }

  /** Believes what these authorities have signed, and nothing else. */
  public static X509ExtendedTrustManager trust(Path authorities) {
    try {
      KeyStore store = store();
      for (X509Certificate authority : certificates(authorities)) {
        store.setCertificateEntry("authority" + store.size(), authority);
      }
      return trust(store);
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalArgumentException(
          "no authorities can be made of " + authorities + ": " + e.getMessage(), e);
    }
  }

  /** Believes whom Java believes. */
  public static X509ExtendedTrustManager trust() {
    try {
      return trust((KeyStore) null);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no authorities", e);
    }
  }

  private static X509ExtendedTrustManager trust(KeyStore store) throws GeneralSecurityException {
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    for (TrustManager manager : trust.getTrustManagers()) {
      if (manager instanceof X509ExtendedTrustManager x509) {
        return x509;
      }
    }
    throw new GeneralSecurityException("this Java has no trust manager for X.509");
  }

  private static KeyStore store() throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, NO_PASSWORD);
    return store;
  }

  /** What the key signs, the certificate must verify. */
  private static boolean isPair(PrivateKey secret, X509Certificate certificate)
      throws GeneralSecurityException {
    if (!secret.getAlgorithm().equals(certificate.getPublicKey().getAlgorithm())) {
      return false;
    }
    String algorithm =
        switch (secret.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> secret.getAlgorithm();
        };
    Signature signature = Signature.getInstance(algorithm);
    signature.initSign(secret);
    signature.update(PROBE);
    byte[] signed = signature.sign();
    signature.initVerify(certificate.getPublicKey());
    signature.update(PROBE);
    return signature.verify(signed);
  }
}
