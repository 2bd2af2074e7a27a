namespace Emu3.Grains.Interfaces.Requests;

/// <summary>One thing that is wrong with a request.</summary>
/// <param name="Param">Path of the field, as <c>ratio</c> or <c>messages[0].content[1].image_url.url</c>; "" for the whole.</param>
/// <param name="Message">What is wrong and what is allowed, for the person who wrote it.</param>
public sealed record ItemError(string Param, string Message);

/// <summary>An error and the item that has it, counted from 1; the job object is not counted.</summary>
public sealed record LineError(int Line, string Param, string Message);
