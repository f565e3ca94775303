package io.tandem.protocol.job;

/**
 * The architecture, shared by teacher and student.
 *
 * @param family {@code wide-resnet} or {@code mlp}
 * @param depth WideResNet: 6n+4 convolution layers; MLP: hidden layers
 * @param width WideResNet: the widening factor k; MLP: units of a hidden layer
 * @param stemChannels WideResNet: channels of the first convolution and unit of the widths 1k, 2k,
 *     4k
 * @param stemStride WideResNet: stride of the first convolution (its kernel is 3, or stride + 1
 *     when that is larger and made odd)
 * @param dropout before the last dense layer, in [0, 1)
 * @param batchNormMomentum share of the running statistics kept at every step
 * @param minimumStrip columns a strip must keep; a narrower one moves the group to whole images
 */
public record ModelSpec(
    Family family,
    int depth,
    int width,
    int stemChannels,
    int stemStride,
    double dropout,
    double batchNormMomentum,
    int minimumStrip) {

  /** The families of models. */
  public enum Family {
    WIDE_RESNET,
    MLP
  }
}
