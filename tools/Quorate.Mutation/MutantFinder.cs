using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Quorate.Mutation;

/// <summary>Lists the mutants of one file, in the order of the text.</summary>
/// <remarks>
/// Not mutated: invariants, because their conditions hold in any case; text, exceptions and log messages; ToString, Equals and GetHashCode;
/// the copies of state for the explorer; constants and attributes, which cannot depend on a switch.
/// </remarks>
internal sealed class MutantFinder(string file, SemanticModel model) : CSharpSyntaxWalker
{
    private static readonly Dictionary<SyntaxKind, (string Kind, string[] Operators)> BinaryOperators = new()
    {
        [SyntaxKind.LessThanExpression] = ("relation", ["<=", ">="]),
        [SyntaxKind.LessThanOrEqualExpression] = ("relation", ["<", ">"]),
        [SyntaxKind.GreaterThanExpression] = ("relation", [">=", "<="]),
        [SyntaxKind.GreaterThanOrEqualExpression] = ("relation", [">", "<"]),
        [SyntaxKind.EqualsExpression] = ("equality", ["!="]),
        [SyntaxKind.NotEqualsExpression] = ("equality", ["=="]),
        [SyntaxKind.AddExpression] = ("arithmetic", ["-"]),
        [SyntaxKind.SubtractExpression] = ("arithmetic", ["+"]),
        [SyntaxKind.MultiplyExpression] = ("arithmetic", ["/"]),
        [SyntaxKind.DivideExpression] = ("arithmetic", ["*"]),
        [SyntaxKind.ModuloExpression] = ("arithmetic", ["/"]),
        [SyntaxKind.LeftShiftExpression] = ("arithmetic", [">>"]),
        [SyntaxKind.RightShiftExpression] = ("arithmetic", ["<<"]),
        [SyntaxKind.BitwiseAndExpression] = ("bits", ["|"]),
        [SyntaxKind.BitwiseOrExpression] = ("bits", ["&"]),
        [SyntaxKind.ExclusiveOrExpression] = ("bits", ["|"]),
    };

    private readonly List<Mutant> _mutants = [];

    public static List<Mutant> Find(string file, SemanticModel model)
    {
        var finder = new MutantFinder(file, model);
        finder.Visit(model.SyntaxTree.GetRoot());
        return finder._mutants;
    }

    public override void Visit(SyntaxNode? node)
    {
        if (node is null || IsExcluded(node))
            return;
        if (node is StatementSyntax statement)
            AddStatementMutants(statement);
        else if (node is ExpressionSyntax expression && CanBeReplaced(expression))
            AddExpressionMutants(expression);
        base.Visit(node);
    }

    private static bool IsExcluded(SyntaxNode node) => node switch
    {
        AttributeListSyntax or PatternSyntax or CaseSwitchLabelSyntax or EnumDeclarationSyntax => true,
        InterpolatedStringExpressionSyntax => true,
        ParameterSyntax { Default: not null } => true,
        FieldDeclarationSyntax field => field.Modifiers.Any(SyntaxKind.ConstKeyword),
        LocalDeclarationStatementSyntax local => local.Modifiers.Any(SyntaxKind.ConstKeyword),
        MethodDeclarationSyntax method => method.Identifier.Text is "ToString" or "Equals" or "GetHashCode" or "Clone" or "WriteState"
            || method.ReturnType.ToString().EndsWith("Exception", StringComparison.Ordinal),
        BaseTypeDeclarationSyntax type => type.Identifier.Text.EndsWith("Exception", StringComparison.Ordinal),
        BaseObjectCreationExpressionSyntax { Parent: ThrowStatementSyntax or ThrowExpressionSyntax } => true,
        ObjectCreationExpressionSyntax created => created.Type.ToString().EndsWith("Exception", StringComparison.Ordinal),
        ThrowExpressionSyntax => true,
        InvocationExpressionSyntax call => IsExcludedCall(call.Expression.ToString()),
        ExpressionStatementSyntax { Expression: InvocationExpressionSyntax call } => IsExcludedCall(call.Expression.ToString()),
        _ => false,
    };

    private static bool IsExcludedCall(string called) =>
        called is "nameof" or "string.Create" or "string.Format" or "Trace" or "GC.SuppressFinalize" or "ArgumentNullException.ThrowIfNull"
        || called.StartsWith("Invariant.", StringComparison.Ordinal) || called.StartsWith("Debug.", StringComparison.Ordinal)
        || called.StartsWith("Log.", StringComparison.Ordinal) || called.EndsWith(".ConfigureAwait", StringComparison.Ordinal);

    /// <summary>Whether a conditional expression may stand in the place of this one.</summary>
    private bool CanBeReplaced(ExpressionSyntax expression) => expression.Parent switch
    {
        ArgumentSyntax argument => argument.RefKindKeyword.IsKind(SyntaxKind.None),
        AssignmentExpressionSyntax assignment => assignment.Left != expression,
        MemberAccessExpressionSyntax member => member.Name != expression && member.Expression != expression,
        ExpressionStatementSyntax or RefExpressionSyntax or NameColonSyntax or NameEqualsSyntax or QualifiedNameSyntax => false,
        PostfixUnaryExpressionSyntax => false,
        PrefixUnaryExpressionSyntax prefix => !prefix.IsKind(SyntaxKind.PreIncrementExpression)
            && !prefix.IsKind(SyntaxKind.PreDecrementExpression),
        ForStatementSyntax loop => !loop.Incrementors.Contains(expression),
        ExpressionSyntax parent => !IsConstant(parent),
        _ => true,
    };

    private bool IsConstant(ExpressionSyntax expression) => model.GetConstantValue(expression).HasValue;

    private void AddStatementMutants(StatementSyntax statement)
    {
        switch (statement)
        {
            case ExpressionStatementSyntax { Expression: AssignmentExpressionSyntax assignment }:
                if (assignment.Left.ToString() == "_")
                    return;
                if (assignment.IsKind(SyntaxKind.AddAssignmentExpression))
                    Add(statement, "arithmetic", $"{assignment.Left} -= {assignment.Right};");
                else if (assignment.IsKind(SyntaxKind.SubtractAssignmentExpression))
                    Add(statement, "arithmetic", $"{assignment.Left} += {assignment.Right};");
                Add(statement, "assignment removed", "");
                break;
            case ExpressionStatementSyntax { Expression: InvocationExpressionSyntax or AwaitExpressionSyntax }:
                Add(statement, "call removed", "");
                break;
            case ExpressionStatementSyntax:
                Add(statement, "increment removed", "");
                break;
            case ReturnStatementSyntax or BreakStatementSyntax or ContinueStatementSyntax
                when statement.Parent is not SwitchSectionSyntax && !IsLastOfMember(statement):
                Add(statement, "jump removed", "");
                break;
        }
    }

    private static bool IsLastOfMember(StatementSyntax statement) =>
        statement.Parent is BlockSyntax block
        && block.Parent is MemberDeclarationSyntax or LocalFunctionStatementSyntax or AccessorDeclarationSyntax
        && block.Statements[^1] == statement;

    private void AddExpressionMutants(ExpressionSyntax expression)
    {
        AddConditionMutants(expression);
        switch (expression)
        {
            case LiteralExpressionSyntax literal when literal.IsKind(SyntaxKind.NumericLiteralExpression):
                AddNumber(literal);
                return;
            case LiteralExpressionSyntax literal when literal.Token.Value is bool value:
                Add(literal, "constant", value ? "false" : "true");
                return;
        }

        if (IsConstant(expression))
            return;
        switch (expression)
        {
            case BinaryExpressionSyntax binary when BinaryOperators.TryGetValue(binary.Kind(), out var found):
                if (model.GetTypeInfo(binary).Type?.SpecialType == SpecialType.System_String)
                    return;
                foreach (var replacement in found.Operators)
                    Add(binary, found.Kind, $"({binary.Left}) {replacement} ({binary.Right})");
                return;
            case BinaryExpressionSyntax binary when binary.Kind() is SyntaxKind.LogicalAndExpression or SyntaxKind.LogicalOrExpression:
                var other = binary.IsKind(SyntaxKind.LogicalAndExpression) ? "||" : "&&";
                Add(binary, "logic", $"({binary.Left}) {other} ({binary.Right})");
                Add(binary, "operand removed", binary.Left.ToString());
                Add(binary, "operand removed", binary.Right.ToString());
                return;
            case BinaryExpressionSyntax binary when binary.IsKind(SyntaxKind.CoalesceExpression):
                Add(binary, "operand removed", binary.Right.ToString());
                return;
            case InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax member } call
                when SwapOf(member.Name) is { } swapped:
                Add(call, "minimum and maximum", $"{member.Expression}.{swapped}{call.ArgumentList}");
                return;
            case PrefixUnaryExpressionSyntax not when not.IsKind(SyntaxKind.LogicalNotExpression):
                Add(not, "negation", not.Operand.ToString());
                return;
        }

        if (IsReturned(expression) && model.GetTypeInfo(expression) is { Type: { } type } info
            && SymbolEqualityComparer.Default.Equals(type, info.ConvertedType)
            && type.SpecialType is >= SpecialType.System_Int32 and <= SpecialType.System_UInt64)
        {
            Add(expression, "constant", $"({expression}) + 1");
        }

        if (model.GetTypeInfo(expression).Type?.SpecialType == SpecialType.System_Boolean
            && expression is InvocationExpressionSyntax or MemberAccessExpressionSyntax or IdentifierNameSyntax or IsPatternExpressionSyntax
            && expression.Parent is not PrefixUnaryExpressionSyntax)
        {
            Add(expression, "negation", $"!({expression})");
        }
    }

    private void AddConditionMutants(ExpressionSyntax expression)
    {
        var (canBeTrue, canBeFalse) = expression.Parent switch
        {
            IfStatementSyntax parent => (parent.Condition == expression, parent.Condition == expression),
            ConditionalExpressionSyntax parent => (parent.Condition == expression, parent.Condition == expression),
            WhileStatementSyntax => (false, true),
            ForStatementSyntax parent => (false, parent.Condition == expression),
            _ => (false, false),
        };
        if (canBeTrue)
            Add(expression, "condition", "true");
        if (canBeFalse)
            Add(expression, "condition", "false");
    }

    private void AddNumber(LiteralExpressionSyntax literal)
    {
        var type = model.GetTypeInfo(literal).ConvertedType;
        if (type is not { SpecialType: >= SpecialType.System_SByte and <= SpecialType.System_UInt64 })
            return;
        var value = Convert.ToUInt64(literal.Token.Value, CultureInfo.InvariantCulture);
        Add(literal, "constant", (value + 1).ToString(CultureInfo.InvariantCulture), type.ToDisplayString());
    }

    private static string? SwapOf(SimpleNameSyntax name) => name.Identifier.Text switch
    {
        "Min" => "Max",
        "Max" => "Min",
        "Any" => "All",
        "All" => "Any",
        _ => null,
    };

    private static bool IsReturned(ExpressionSyntax expression) =>
        expression.Parent is ReturnStatementSyntax or ArrowExpressionClauseSyntax or SwitchExpressionArmSyntax;

    private void Add(SyntaxNode node, string kind, string changed, string? castTo = null)
    {
        var line = node.GetLocation().GetLineSpan().StartLinePosition.Line + 1;
        _mutants.Add(new Mutant(file, node.Span, node is StatementSyntax, kind, line, node.ToString(), changed, castTo));
    }
}
