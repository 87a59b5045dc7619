#:property PublishAot=false

using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;

// Validates NuGet packages: `dotnet run eng/packaging/ValidatePackages.cs -- DIRECTORY`. Exits with 1 and prints every error.
if (args is not [var directory] || !Directory.Exists(directory))
{
    Console.Error.WriteLine("usage: ValidatePackages DIRECTORY");
    return 2;
}

var packages = Directory.GetFiles(directory, "*.nupkg").Order(StringComparer.Ordinal).ToList();
var errors = packages.SelectMany(static path => new PackageValidator(path).Validate()).ToList();
if (packages.Count == 0)
    errors.Add($"{directory}: no packages");
errors.ForEach(Console.Error.WriteLine);
Console.WriteLine($"{packages.Count} packages, {errors.Count} errors");
return errors.Count == 0 ? 0 : 1;

/// <summary>Checks one package and its symbol package.</summary>
internal sealed class PackageValidator(string path)
{
    private readonly List<string> _errors = [];

    public List<string> Validate()
    {
        using var package = ZipFile.OpenRead(path);
        ValidateMetadata(package);
        ValidateAssemblies(package);
        return _errors;
    }

    private void ValidateMetadata(ZipArchive package)
    {
        using var nuspec = package.Entries.Single(static e => e.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        var metadata = XDocument.Load(nuspec).Root!.Elements().Single(static e => e.Name.LocalName == "metadata");
        XElement? Element(string name) => metadata.Elements().SingleOrDefault(e => e.Name.LocalName == name);

        var license = Element("license");
        Require(license?.Attribute("type")?.Value == "expression" && license.Value == "MIT", "the licence expression is not MIT");
        foreach (var name in (string[])["id", "version", "authors", "description", "tags", "copyright", "readme", "icon"])
            Require(!string.IsNullOrWhiteSpace(Element(name)?.Value), $"{name} is missing");
        Require(Element("description")?.Value != "Package Description", "the description is the default text");
        Require(Element("authors")?.Value != Element("id")?.Value, "the authors are the default, the package id");
        foreach (var name in (string[])["readme", "icon"])
            Require(Element(name) is { } file && package.GetEntry(file.Value) is { Length: > 0 }, $"the {name} file is missing or empty");

        // Quorate.Verification appends a suffix when the sources have uncommitted changes.
        var commit = Element("repository")?.Attribute("commit")?.Value;
        Require(commit is { Length: >= 40 } && commit[..40].All(char.IsAsciiHexDigitLower), "the repository commit is missing");
    }

    private void ValidateAssemblies(ZipArchive package)
    {
        var assemblies = package.Entries.Where(static e => e.FullName.StartsWith("lib/", StringComparison.Ordinal)
            && e.Name.EndsWith(".dll", StringComparison.Ordinal)).ToList();
        Require(assemblies.Count > 0, "no assembly below lib/");

        var symbolPath = Path.ChangeExtension(path, ".snupkg");
        if (!File.Exists(symbolPath))
        {
            Require(false, "the symbol package is missing");
            return;
        }

        using var symbols = ZipFile.OpenRead(symbolPath);
        foreach (var assembly in assemblies)
        {
            Require(package.GetEntry(Path.ChangeExtension(assembly.FullName, ".xml")) is not null,
                $"{assembly.FullName} has no XML documentation");
            if (symbols.GetEntry(Path.ChangeExtension(assembly.FullName, ".pdb")) is { } pdb)
                ValidateSymbols(assembly, pdb);
            else
                Require(false, $"{assembly.FullName} has no symbols");
        }
    }

    private void ValidateSymbols(ZipArchiveEntry assembly, ZipArchiveEntry pdb)
    {
        using var image = new PEReader(ReadAll(assembly));
        var directory = image.ReadDebugDirectory();
        Require(directory.Any(static e => e.Type == DebugDirectoryEntryType.Reproducible),
            $"{assembly.FullName} was not built deterministically");

        using var provider = MetadataReaderProvider.FromPortablePdbStream(ReadAll(pdb));
        var reader = provider.GetMetadataReader();
        var codeView = image.ReadCodeViewDebugDirectoryData(directory.First(static e => e.Type == DebugDirectoryEntryType.CodeView));
        Require(new BlobContentId(reader.DebugMetadataHeader!.Id).Guid == codeView.Guid,
            $"{pdb.FullName} does not belong to {assembly.FullName}");

        var documents = reader.Documents.Select(handle => reader.GetString(reader.GetDocument(handle).Name)).ToList();
        Require(documents.Count > 0, $"{pdb.FullName} names no source files");
        Require(documents.TrueForAll(static d => d.StartsWith("/_/", StringComparison.Ordinal)),
            $"{pdb.FullName} names source files by local paths; pack with CI=true");
    }

    private static MemoryStream ReadAll(ZipArchiveEntry entry)
    {
        using var source = entry.Open();
        var content = new MemoryStream();
        source.CopyTo(content);
        content.Position = 0;
        return content;
    }

    private void Require(bool condition, string error)
    {
        if (!condition)
            _errors.Add($"{Path.GetFileName(path)}: {error}");
    }
}
