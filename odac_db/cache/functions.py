"""Functions whose value follows from their arguments alone, and that write nothing.

sqlglot has a class for what several servers have, by whatever name; what it does not know is
looked up by name. A function in neither list is not cached unless the caller says on what it
depends: a list of those that may not be would never be complete.
"""

from __future__ import annotations

CLASSES = frozenset(
    """
    Abs Acos AnyValue ArrayAgg ArrayContainsAll ArrayContainedBy ArrayOverlaps ArrayLength Asin
    Atan Atan2 Avg BitwiseAndAgg Cast Cbrt Ceil Chr Coalesce Concat ConcatWs Contains Corr Cos
    Count CovarPop CovarSamp CumeDist DenseRank Exists Exp ExplodingGenerateSeries Extract
    FirstValue Floor GenerateSeries Greatest GroupConcat Hex If Initcap JSONArray JSONArrayAgg
    JSONBExtract JSONBExtractScalar JSONBContains JSONExtract JSONExtractScalar JSONObject
    JSONObjectAgg JSONBObjectAgg JSONKeys JSONValue JSONType Lag LastValue Lead Least Left Length
    Ln Log LogicalAnd LogicalOr Lower LowerHex MD5 Max Min Mod Month NthValue Ntile Nullif Nvl2
    ParseJSON PercentRank PercentileCont PercentileDisc Pad Posexplode Pow Quarter Rank RegexpLike
    RegexpILike RegexpReplace Repeat Replace Reverse Right Round RowNumber SHA SHA2 Sign Sin
    Split SplitPart Sqrt StartsWith StDistance Stddev StddevPop StddevSamp StrPosition
    StringToArray Substring Sum Tan TimestampTrunc DateTrunc Translate Trim Trunc TryCast Unhex
    Unnest Upper Variance VariancePop Week Year Day DayOfMonth DayOfWeek DayOfYear Hour Minute
    Second And Or Xor Not Case JSONBExists JSONArrayContains ArrayContains ArrayToString Anonymous
    ArraySize ArrayConcat ArrayPosition ArrayRemove JSONBObject ToChar Array Struct
    """.split()
)
NAMES = frozenset(
    """
    array_append array_cat array_lower array_ndims array_positions array_prepend array_upper
    bit_and bit_or bit_xor bool_and bool_or btrim cardinality char_length character_length ceiling
    div elt every field find_in_set glob ifnull iif instr json_agg json_array json_array_length
    json_arrayagg json_build_object json_contains json_each json_extract json_group_array
    json_group_object json_length json_object json_objectagg json_quote json_search json_type
    json_unquote json_valid json_value jsonb_agg jsonb_array_elements jsonb_array_elements_text
    jsonb_array_length jsonb_build_object jsonb_object_agg jsonb_object_keys json_array_elements
    json_array_elements_text jsonb_path_exists jsonb_path_query jsonb_typeof lcase len likelihood
    likely locate ltrim mid mode nullif num_nonnulls num_nulls octet_length overlay percent_rank
    pi plainto_tsquery position power printf quote range_agg regr_slope rtrim soundex space
    string_agg strcmp substr to_json to_jsonb to_tsquery to_tsvector total trunc truncate
    ts_headline ts_rank ts_rank_cd typeof ucase unicode unlikely upper_inf xmlagg
    """.split()
)
