package io.tandem.worker.data;

import io.tandem.worker.random.CounterRandom;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.GradientPaint;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.geom.AffineTransform;
import java.awt.geom.CubicCurve2D;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.awt.geom.Point2D;
import java.awt.geom.Rectangle2D;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;

/**
 * One picture: a background that changes slowly, untextured clutter, one textured shape, a few
 * lines over it, and noise. Draws with Java2D into memory, so it needs no display. For one use.
 */
final class PictureScene {
  private static final String[] TEXTURES = {"stripes", "dots", "checks", "rings"};
  private static final String[] SHAPES = {"disc", "star", "square", "cross", "triangle", "ring"};

  /** How many classes can be told apart. */
  static final int CLASSES = TEXTURES.length * SHAPES.length;

  private static final int CLUTTER = 8;
  private static final int LINES_OVER = 3;
  private static final int NOISE = 24;

  private final int side;
  private final CounterRandom random;

  PictureScene(int side, CounterRandom random) {
    this.side = side;
    this.random = random;
  }

  /** For example {@code stripes-disc}; neighbours differ in texture and in shape. */
  static String className(int label) {
    return textureOf(label) + "-" + shapeOf(label);
  }

  private static String textureOf(int label) {
    return TEXTURES[label % TEXTURES.length];
  }

  private static String shapeOf(int label) {
    return SHAPES[(label % TEXTURES.length + label / TEXTURES.length) % SHAPES.length];
  }

  /** The picture: {@code side * side * 3} bytes, blue first. */
  byte[] draw(int label) {
    BufferedImage image = new BufferedImage(side, side, BufferedImage.TYPE_3BYTE_BGR);
    Graphics2D graphics = image.createGraphics();
    graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    graphics.setPaint(
        new GradientPaint(
            new Point2D.Double(0, between(0, side)),
            colour(0.3, 0.8),
            new Point2D.Double(side, between(0, side)),
            colour(0.3, 0.8)));
    graphics.fillRect(0, 0, side, side);
    for (int i = 0; i < CLUTTER; i++) {
      clutter(graphics);
    }
    subject(graphics, label);
    for (int i = 0; i < LINES_OVER; i++) {
      line(graphics);
    }
    graphics.dispose();
    byte[] pixels = ((DataBufferByte) image.getRaster().getDataBuffer()).getData();
    addNoise(pixels);
    return pixels;
  }

  private void clutter(Graphics2D graphics) {
    graphics.setPaint(colour(0.2, 0.9));
    double width = between(0.04, 0.2) * side;
    double height = between(0.04, 0.2) * side;
    double x = between(-0.1, 1) * side;
    double y = between(-0.1, 1) * side;
    switch (random.nextInt(3)) {
      case 0 -> graphics.fill(new Ellipse2D.Double(x, y, width, height));
      case 1 ->
          graphics.fill(
              AffineTransform.getRotateInstance(between(0, Math.PI), x, y)
                  .createTransformedShape(new Rectangle2D.Double(x, y, width, height)));
      default -> line(graphics);
    }
  }

  private void line(Graphics2D graphics) {
    graphics.setPaint(colour(0.2, 0.9));
    graphics.setStroke(new BasicStroke((float) (between(0.004, 0.012) * side)));
    graphics.draw(
        new CubicCurve2D.Double(
            between(0, side),
            between(0, side),
            between(0, side),
            between(0, side),
            between(0, side),
            between(0, side),
            between(0, side),
            between(0, side)));
  }

  private void subject(Graphics2D outer, int label) {
    double radius = between(0.28, 0.42) * side;
    Graphics2D graphics = (Graphics2D) outer.create();
    graphics.translate(between(radius, side - radius), between(radius, side - radius));
    graphics.rotate(between(0, 2 * Math.PI));
    graphics.scale(radius, radius * between(0.8, 1));
    // Two colours of clearly different brightness, either of which may be the ground.
    Color dark = colour(0.05, 0.35);
    Color light = colour(0.7, 1);
    boolean darkGround = random.nextBoolean();
    Shape outline = outline(shapeOf(label));
    graphics.setPaint(darkGround ? dark : light);
    graphics.fill(outline);
    graphics.clip(outline);
    graphics.setPaint(darkGround ? light : dark);
    texture(graphics, textureOf(label), between(0.3, 0.42));
    graphics.dispose();
  }

  /** Around the origin, within a radius of 1. */
  private static Shape outline(String name) {
    return switch (name) {
      case "disc" -> new Ellipse2D.Double(-0.9, -0.9, 1.8, 1.8);
      case "star" -> polygon(10, 0.4);
      case "square" -> polygon(4, 1);
      case "triangle" -> polygon(3, 1);
      case "cross" -> {
        Path2D cross = new Path2D.Double();
        cross.append(new Rectangle2D.Double(-0.3, -0.95, 0.6, 1.9), false);
        cross.append(new Rectangle2D.Double(-0.95, -0.3, 1.9, 0.6), false);
        cross.setWindingRule(Path2D.WIND_NON_ZERO);
        yield cross;
      }
      case "ring" -> {
        Path2D ring = new Path2D.Double(Path2D.WIND_EVEN_ODD);
        ring.append(new Ellipse2D.Double(-0.95, -0.95, 1.9, 1.9), false);
        ring.append(new Ellipse2D.Double(-0.45, -0.45, 0.9, 0.9), false);
        yield ring;
      }
      default -> throw new IllegalArgumentException("shape " + name);
    };
  }

  /** Corners on a circle, every second one drawn in to that radius. */
  private static Shape polygon(int corners, double inner) {
    Path2D path = new Path2D.Double();
    for (int i = 0; i < corners; i++) {
      double angle = 2 * StrictMath.PI * i / corners;
      double radius = i % 2 == 1 ? inner : 1;
      double x = radius * StrictMath.cos(angle);
      double y = radius * StrictMath.sin(angle);
      if (i == 0) {
        path.moveTo(x, y);
      } else {
        path.lineTo(x, y);
      }
    }
    path.closePath();
    return path;
  }

  /** Covers the square of radius 1 with a pattern of that period; half of it is paint. */
  private void texture(Graphics2D graphics, String name, double period) {
    graphics.rotate(between(0, Math.PI));
    Path2D pattern = new Path2D.Double();
    int reach = (int) Math.ceil(1.5 / period);
    if (name.equals("rings")) {
      pattern.setWindingRule(Path2D.WIND_EVEN_ODD);
      for (int edge = 1; edge <= 2 * reach; edge++) {
        double radius = edge * period / 2;
        pattern.append(new Ellipse2D.Double(-radius, -radius, 2 * radius, 2 * radius), false);
      }
      graphics.fill(pattern);
      return;
    }
    for (int row = -reach; row <= reach; row++) {
      if (name.equals("stripes")) {
        pattern.append(new Rectangle2D.Double(-1.5, row * period, 3, period / 2), false);
        continue;
      }
      for (int column = -reach; column <= reach; column++) {
        double x = column * period;
        double y = row * period;
        if (name.equals("dots")) {
          double size = 0.7 * period;
          pattern.append(new Ellipse2D.Double(x, y, size, size), false);
        } else if ((row + column) % 2 == 0) {
          pattern.append(new Rectangle2D.Double(x, y, period, period), false);
        }
      }
    }
    graphics.fill(pattern);
  }

  private void addNoise(byte[] pixels) {
    for (int i = 0; i < pixels.length; ) {
      long bits = random.nextLong();
      for (int k = 0; k < 8 && i < pixels.length; k++, i++, bits >>>= 8) {
        int noise = ((int) (bits & 0xFF) * NOISE >> 8) - NOISE / 2;
        pixels[i] = (byte) Math.max(0, Math.min(255, (pixels[i] & 0xFF) + noise));
      }
    }
  }

  private Color colour(double darkest, double brightest) {
    return Color.getHSBColor(
        (float) random.nextDouble(),
        (float) between(0.1, 0.7),
        (float) between(darkest, brightest));
  }

  private double between(double from, double to) {
    return from + (to - from) * random.nextDouble();
  }
}
