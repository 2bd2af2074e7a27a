using Emu3.Inference.Model;
using Emu3.Inference.Weights;

namespace Emu3.Inference.Engine;

/// <summary>
/// What computes on devices other than the processor. Its implementation is a project of its own, <c>Inference.Torch</c>: a program that runs on the
/// processor alone neither downloads nor ships TorchSharp and libtorch.
/// </summary>
internal interface IAccelerator
{
    /// <summary>Whether its native libraries have kernels for NVIDIA devices. Loads nothing.</summary>
    bool HasCuda { get; }

    /// <summary>Versions and paths of its native libraries, in one line. Loads them.</summary>
    /// <exception cref="DllNotFoundException">One is missing or can't be loaded; the message says where it was looked for and what to do.</exception>
    string Describe();

    /// <summary>Puts a checkpoint on a device. The calling thread owns the device, and is the one to use the result and to dispose of it.</summary>
    /// <param name="files">The checkpoint; may be closed afterwards.</param>
    /// <param name="config">Of the checkpoint.</param>
    /// <param name="options">Device, type and slots.</param>
    /// <param name="stage">Gets a few words at the start of each stage, and how much of the weights is loaded.</param>
    /// <exception cref="CheckpointException">A tensor is missing or of another shape.</exception>
    /// <exception cref="InvalidOperationException">The options do not fit the device, or there is no such device.</exception>
    LoadedBackend Load(CheckpointFiles files, Emu3Config config, EngineOptions options, Action<LoadStage> stage);
}
