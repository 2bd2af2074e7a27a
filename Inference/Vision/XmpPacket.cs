using System.Text;
using System.Xml;

namespace Emu3.Inference.Vision;

/// <summary>An XMP packet (ISO 16684-1) with one property of our own: <c>metadata</c> in <see cref="Namespace"/>.</summary>
static class XmpPacket
{
    public const string Namespace = "urn:emu3-cluster:picture";

    private const string Meta = "adobe:ns:meta/", Rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#", Property = "metadata";

    /// <exception cref="ArgumentException">XML has no way to write one of the characters.</exception>
    public static byte[] Write(string text)
    {
        if (FirstForbidden(text) is { } forbidden)
            throw new ArgumentException($"XMP can't hold the character U+{forbidden:X4}", nameof(text));
        using var buffer = new MemoryStream();
        var settings = new XmlWriterSettings
        {
            Encoding = new UTF8Encoding(false),
            OmitXmlDeclaration = true,
            ConformanceLevel = ConformanceLevel.Fragment,
            NewLineHandling = NewLineHandling.Entitize,
        };
        using (var xml = XmlWriter.Create(buffer, settings))
        {
            xml.WriteProcessingInstruction("xpacket", "begin=\"\uFEFF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"");
            xml.WriteStartElement("x", "xmpmeta", Meta);
            xml.WriteStartElement("rdf", "RDF", Rdf);
            xml.WriteStartElement("rdf", "Description", Rdf);
            xml.WriteAttributeString("rdf", "about", Rdf, "");
            xml.WriteElementString("emu3", Property, Namespace, text);
            xml.WriteEndElement();
            xml.WriteEndElement();
            xml.WriteEndElement();
            xml.WriteProcessingInstruction("xpacket", "end=\"r\"");
        }
        return buffer.ToArray();
    }

    /// <summary>The property's text, or null: an empty packet, or one of somebody else.</summary>
    public static string? Read(ReadOnlySpan<byte> packet)
    {
        if (packet.IsEmpty)
            return null;
        var settings = new XmlReaderSettings
        {
            ConformanceLevel = ConformanceLevel.Fragment,
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            IgnoreProcessingInstructions = true,
        };
        using var xml = XmlReader.Create(new StringReader(Encoding.UTF8.GetString(packet)), settings);
        try
        {
            while (xml.Read())
            {
                if (xml.NodeType == XmlNodeType.Element && xml.LocalName == Property && xml.NamespaceURI == Namespace)
                    return xml.ReadElementContentAsString();
            }
        }
        catch (XmlException exception)
        {
            throw new PictureException($"the XMP packet is damaged: {exception.Message}");
        }
        return null;
    }

    private static int? FirstForbidden(string text)
    {
        for (var at = 0; at < text.Length; at++)
        {
            if (at + 1 < text.Length && XmlConvert.IsXmlSurrogatePair(text[at + 1], text[at]))
                at++;
            else if (!XmlConvert.IsXmlChar(text[at]))
                return text[at];
        }
        return null;
    }
}
