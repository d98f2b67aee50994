export function encode(points: number[][]): string;
