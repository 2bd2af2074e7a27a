using Emu3.Grains.Interfaces;
using Emu3.Inference;

namespace Emu3.Grains.Workers;

/// <summary>The one place where the engine's failures become an item's.</summary>
public static class ItemFailures
{
    /// <summary>A picture of the prompt is not in the blob store.</summary>
    public static ItemFailure PictureMissing(string key) => new(FailureCode.PictureNotReadable, $"The picture {key} of the prompt is not stored any more.");

    public static ItemFailure From(EngineFailure failure) => new(failure.Code switch
    {
        EngineFailureCode.PromptTooLong => FailureCode.PromptTooLong,
        EngineFailureCode.SizeNotSupported => FailureCode.SizeNotSupported,
        EngineFailureCode.PictureNotReadable => FailureCode.PictureNotReadable,
        EngineFailureCode.NotSupported => FailureCode.NotSupportedByModel,
        EngineFailureCode.InvalidSetting => FailureCode.InvalidRequest,
        EngineFailureCode.DeviceOutOfMemory => FailureCode.DeviceOutOfMemory,
        EngineFailureCode.ResumeNotPossible => FailureCode.EngineFailed, // a run without the old tokens comes first, and can't fail so
        _ => FailureCode.EngineFailed,
    }, failure.Message);
}
